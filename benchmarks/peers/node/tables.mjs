// What Mercurius and Yoga share: the schema, and SQL by hand on a pool of 16 connections that keep prepared statements.
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import pg from "pg";

// Instants keep their microseconds, which a Date would lose; amounts go out as they come.
const TIMESTAMPTZ = 1184;
pg.types.setTypeParser(TIMESTAMPTZ, (text) => `${text.slice(0, 10)}T${text.slice(11)}:00`);

export const pool = new pg.Pool({ max: 16, min: 16, options: "-c timezone=UTC" });

export const typeDefs = `
  type Query {
    customer(id: ID!): Customer
    customers(first: Int!): [Customer!]!
  }
  type Mutation {
    creditNoteUpsert(input: CreditNoteInput!): CreditNote
  }
  type Customer {
    id: ID!
    externalId: String
    givenName: String
    familyName: String
    email: String
    phone: String
    locale: String
    createdAt: String!
    country: String
    orders(first: Int!): [Order!]!
    creditNotes(first: Int!): [CreditNote!]!
  }
  type Order {
    id: ID!
    number: String!
    placedAt: String!
    state: String!
    total: String!
    currencyCode: String!
    lines: [Line!]!
  }
  type CreditNote {
    id: ID!
    number: String!
    issuedAt: String!
    total: String!
    lines: [Line!]!
  }
  type Line {
    sku: String!
    title: String!
    quantity: Int!
    unitPrice: String!
  }
  input CreditNoteInput {
    externalId: String!
    orderId: ID!
    issuedAt: String!
    currencyCode: String!
    lines: [LineInput!]!
  }
  input LineInput {
    sku: String!
    title: String!
    quantity: Int!
    unitPrice: Int!
  }
`;

const CUSTOMER = `id, external_id AS "externalId", given_name AS "givenName", family_name AS "familyName", email, phone,
  locale, created_at AS "createdAt", country`;
const ORDER = `id, number, placed_at AS "placedAt", state, total, currency_code AS "currencyCode"`;
const NOTE = `id, number, issued_at AS "issuedAt", total`;
const LINE = `sku, title, quantity, unit_price AS "unitPrice"`;

const rows = async (name, text, values, client = pool) => (await client.query({ name, text, values })).rows;

export const customerById = async (id) =>
  (await rows("customer", `SELECT ${CUSTOMER} FROM customers WHERE id = $1`, [id]))[0] ?? null;

export const newestCustomers = (first) =>
  rows("customers", `SELECT ${CUSTOMER} FROM customers ORDER BY created_at DESC, customers.id DESC LIMIT $1`, [first]);

// Both return what each parent has, aligned to the keys.
const byParent = (found, keys) => {
  const groups = new Map(keys.map((key) => [key, []]));
  for (const { parent, ...row } of found) groups.get(parent).push(row);
  return keys.map((key) => groups.get(key));
};

const newestOf = (name, table, columns, at) => async (keys) => {
  const text = `SELECT c.id AS parent, r.* FROM unnest($1::uuid[]) AS c (id) CROSS JOIN LATERAL (
    SELECT ${columns} FROM ${table} WHERE customer_id = c.id ORDER BY ${at} DESC, ${table}.id DESC LIMIT $2) AS r`;
  const results = new Map();
  for (const first of new Set(keys.map((key) => key.first))) {
    const ids = keys.filter((key) => key.first === first).map((key) => key.id);
    byParent(await rows(name, text, [ids, first]), ids).forEach((each, index) => results.set(`${ids[index]} ${first}`, each));
  }
  return keys.map((key) => results.get(`${key.id} ${key.first}`));
};

export const ordersOf = newestOf("orders", "orders", ORDER, "placed_at");
export const notesOf = newestOf("notes", "credit_notes", NOTE, "issued_at");

const linesOf = (name, table, parent) => async (keys) =>
  byParent(
    await rows(
      name,
      `SELECT ${parent} AS parent, ${LINE} FROM ${table} WHERE ${parent} = ANY($1::uuid[]) ORDER BY position, id`,
      [keys],
    ),
    keys,
  );

export const linesOfOrders = linesOf("order_lines", "order_lines", "order_id");
export const linesOfNotes = linesOf("note_lines", "credit_note_lines", "credit_note_id");

// Writes every row that the product writes, with the limit's own statements.
const sql = (name) => readFileSync(new URL(`../sql/${name}.sql`, import.meta.url), "utf8");
const LOCK_BUYER = sql("lock_buyer");
const WRITE_NOTE = sql("write_note");
const ACTOR = "00000000-0000-0000-0000-000000000000";

const plain = (key) => key.replaceAll("-", "");

const write = async (client, { externalId, orderId, issuedAt, currencyCode, lines: [line] }) => {
  const [buyer] = await rows("lock_buyer", LOCK_BUYER, [orderId], client);
  const { customer_id: customerId, store_id: storeId } = buyer;
  const id = randomUUID();
  const total = line.quantity * line.unitPrice;
  const subjects = { credit_note_id: plain(id), order_id: plain(orderId), customer_id: plain(customerId) };
  await rows("write_note", WRITE_NOTE, [
    id, externalId, customerId, orderId, issuedAt, currencyCode, total, new Date(), randomUUID(), line.sku, line.title,
    line.quantity, line.unitPrice, storeId, randomUUID(), ACTOR, plain(randomUUID()), randomUUID(),
    JSON.stringify(subjects),
  ], client);
  return { id, number: externalId, issuedAt, total };
};

export const creditNoteUpsert = async (input) => {
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    const note = await write(client, input);
    await client.query("COMMIT");
    return note;
  } catch (error) {
    await client.query("ROLLBACK");
    throw error;
  } finally {
    client.release();
  }
};
