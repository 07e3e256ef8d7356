// Runs one client of docs/guides/protocols.md through what an application goes through, and prints a JSON object for each
// step. The server is stopped and started by whoever runs this, when the step "ready for the restart" is printed.
import { gql } from '@apollo/client';

const [name, url, administrator] = process.argv.slice(2);
const { newClient } = await import(`./snippets/${name}.mjs`);

const VIEWER = '{ viewer { kind permissions } }';
const CREATE = 'mutation($input: CustomerCreateInput!) { customerCreate(input: $input) { customer { id } userErrors { message } } }';
const MISTAKE = '{ nothing }';
const FOLLOW = 'subscription($id: ID) { customerEvents(customerId: $id) { __typename ... on Event { cursor } } }';

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const tell = (step, found = {}) => console.log(JSON.stringify({ step, ...found }));

const asAdministrator = async (query, variables) => {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${administrator}` },
    body: JSON.stringify({ query, variables }),
  });
  return (await response.json()).data;
};

const newKey = async () => {
  const query = `mutation { apiKeyCreate(input: {name: "client", permissions: ["customers:read", "customers:write", "orders:read"]}) {
    apiKey { id } secret userErrors { message } } }`;
  const { apiKeyCreate } = await asAdministrator(query);
  return { id: apiKeyCreate.apiKey.id, secret: apiKeyCreate.secret };
};

let key = await newKey();
let client = await newClient({ url, getToken: async () => key.secret });
const renew = async () => {
  client = await newClient({ url, getToken: async () => key.secret });
};

// Each library's own words for: one answer, and many.
const asSinks = {
  once: (query, variables) =>
    new Promise((resolve) => {
      let found;
      client.subscribe({ query, variables }, {
        next: (answer) => (found = answer),
        error: (errors) => resolve({ errors: Array.isArray(errors) ? errors : [errors] }),
        complete: () => resolve(found),
      });
    }),
  follow: (query, variables, { next, end }) => client.subscribe({ query, variables }, { next, error: end, complete: end }),
};
const asApollo = {
  once: async (query, variables) => {
    const document = gql(query);
    const isMutation = document.definitions[0].operation === 'mutation';
    const { data, error } = isMutation
      ? await client.mutate({ mutation: document, variables, errorPolicy: 'all' })
      : await client.query({ query: document, variables, errorPolicy: 'all', fetchPolicy: 'no-cache' });
    return { data, errors: error?.errors };
  },
  follow: (query, variables, { next, end }) => {
    const following = client.subscribe({ query: gql(query), variables, fetchPolicy: 'no-cache', errorPolicy: 'all' });
    following.subscribe({ next: ({ data, error }) => next({ data, errors: error?.errors }), error: end, complete: end });
  },
};
const asUrql = {
  once: async (query, variables) => {
    const isMutation = query.startsWith('mutation');
    const { data, error } = await (isMutation ? client.mutation(query, variables) : client.query(query, variables));
    return { data, errors: error?.graphQLErrors };
  },
  follow: (query, variables, { next, end }) => {
    let isOver = false;
    client.subscription(query, variables).subscribe(({ data, error, hasNext }) => {
      next({ data, errors: error?.graphQLErrors });
      if (!isOver && (error || hasNext === false)) {
        isOver = true;
        end(error);
      }
    });
  },
};
const { once, follow } = { 'graphql-ws': asSinks, 'graphql-sse': asSinks, urql: asUrql, 'urql-sse': asUrql }[name] ?? asApollo;

const waiting = [];
const keepFollowing = (id) => {
  const isOver = { value: false };
  const again = async () => {
    if (isOver.value) return;
    isOver.value = true;
    await pause(200);
    await renew();
    keepFollowing(id);
  };
  follow(FOLLOW, { id }, {
    next: ({ data, errors }) => {
      if (data?.customerEvents) waiting.shift()?.(data.customerEvents);
      if (errors?.length) again();
    },
    end: again,
  });
};

let sent = 0;
const nextEvent = async () => {
  let event;
  waiting.push((found) => (event = found));
  for (let attempt = 0; !event && attempt < 200; attempt += 1) {
    const input = {
      externalId: `${name}-${(sent += 1)}`,
      placedAt: '2026-01-01T00:00:00Z',
      currencyCode: 'EUR',
      customer: { externalId: 'shopper' },
      lines: [{ sku: 'A', title: 'A', quantity: 1, unitPrice: '1' }],
    };
    const query = 'mutation($input: OrderUpsertInput!) { orderUpsert(input: $input) { userErrors { message } } }';
    await asAdministrator(query, { input }).catch(() => undefined); // the server may just be restarted
    await pause(100);
  }
  waiting.length = 0;
  return event;
};

tell('query', await once(VIEWER));
const created = await once(CREATE, { input: { externalId: 'shopper', givenName: 'Ada' } });
tell('mutation', created);
const mistake = await once(MISTAKE);
tell('error', { codes: mistake.errors.map((error) => error.extensions?.code) });
keepFollowing(created.data.customerCreate.customer.id);
tell('subscription', { event: await nextEvent() });

const old = key;
key = await newKey();
await asAdministrator('mutation($id: ID!) { apiKeyRevoke(input: {apiKeyId: $id}) { userErrors { message } } }', { id: old.id });
await pause(5_000);
tell('after the token was revoked', { event: await nextEvent() });
tell('ready for the restart');
await pause(1_000);
tell('after the restart', { event: await nextEvent() });
process.exit(0);
