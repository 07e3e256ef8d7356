-- What PostGraphile calls for M1: it writes by functions where more than a row is to be written.
CREATE SCHEMA peers;
CREATE FUNCTION peers.write_credit_note(
    external_id text, order_id uuid, issued_at timestamptz, currency_code text, sku text, title text, quantity bigint,
    unit_price bigint
) RETURNS public.credit_notes LANGUAGE plpgsql VOLATILE AS $function$
#variable_conflict use_column
DECLARE
    note_id uuid := gen_random_uuid();
    audit_id uuid := gen_random_uuid();
    buyer record;
    written public.credit_notes;
BEGIN
    FOR buyer IN
        @lock_buyer@
    LOOP
        @write_note@;
    END LOOP;
    SELECT * INTO STRICT written FROM public.credit_notes AS n WHERE n.id = note_id;
    RETURN written;
END
$function$;
