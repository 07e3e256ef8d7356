// What a frontend does with generated types: it compiles as it stands here, and would not with any of the mistakes.
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { Customer360Document, UpdateCustomerDocument } from './generated/agent/graphql';
import { PushOrderDocument } from './generated/integrator/graphql';
import { HomeDocument, SignInDocument } from './generated/shopper/graphql';

declare function run<Data, Variables>(document: TypedDocumentNode<Data, Variables>, variables: Variables): Promise<Data>;

export async function signIn(email: string, password: string): Promise<string> {
  const { sessionCreate } = await run(SignInDocument, { input: { email, password } });
  if (!sessionCreate?.session) {
    const refusal = sessionCreate?.userErrors[0];
    throw new Error(refusal?.code === 'OTP_REQUIRED' ? 'code, please' : refusal?.message);
  }
  return sessionCreate.session.accessToken;
}

export async function lastOrder(): Promise<string | null> {
  const { me } = await run(HomeDocument, {});
  // @ts-expect-error  a shopper may not be signed in
  me.displayName;
  return me?.orders?.nodes[0]?.number ?? null;
}

export async function showCustomer(id: string): Promise<string | undefined> {
  const { customer } = await run(Customer360Document, { id });
  // @ts-expect-error  what a document does not ask for is not there
  customer?.nothing;
  return customer?.displayName;
}

export async function rename(customerId: string, givenName: string | null): Promise<number | undefined> {
  const { customerUpdate } = await run(UpdateCustomerDocument, { input: { customerId, givenName } });
  // @ts-expect-error  a customer has an id
  await run(UpdateCustomerDocument, { input: { givenName } });
  return customerUpdate?.customer?.version;
}

export async function push(externalId: string): Promise<boolean> {
  const line = { sku: 'MUG', title: 'Mug', quantity: 2, unitPrice: '7.50' };
  const input = { externalId, placedAt: '2026-01-15T10:00:00Z', currencyCode: 'EUR', customer: { externalId: 'c-1' } };
  const { orderUpsert } = await run(PushOrderDocument, { input: { ...input, lines: [line] } });
  // @ts-expect-error  money is a string, so that nothing is rounded
  await run(PushOrderDocument, { input: { ...input, lines: [{ ...line, unitPrice: 7.5 }] } });
  return orderUpsert?.userErrors.length === 0;
}
