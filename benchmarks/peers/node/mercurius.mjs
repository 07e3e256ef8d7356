// Mercurius on Fastify, with its JIT from the first request on, and its own loaders.
import Fastify from "fastify";
import mercurius from "mercurius";
import * as tables from "./tables.mjs";

const withFirst = (queries) => queries.map(({ obj, params }) => ({ id: obj.id, first: params.first }));
const ids = (queries) => queries.map(({ obj }) => obj.id);
const opts = { cache: false };

const app = Fastify({ logger: false });
app.register(mercurius, {
  schema: tables.typeDefs,
  jit: 1,
  graphiql: false,
  resolvers: {
    Query: {
      customer: (_, { id }) => tables.customerById(id),
      customers: (_, { first }) => tables.newestCustomers(first),
    },
    Mutation: { creditNoteUpsert: (_, { input }) => tables.creditNoteUpsert(input) },
  },
  loaders: {
    Customer: {
      orders: { loader: (queries) => tables.ordersOf(withFirst(queries)), opts },
      creditNotes: { loader: (queries) => tables.notesOf(withFirst(queries)), opts },
    },
    Order: { lines: { loader: (queries) => tables.linesOfOrders(ids(queries)), opts } },
    CreditNote: { lines: { loader: (queries) => tables.linesOfNotes(ids(queries)), opts } },
  },
});
await app.listen({ port: Number(process.env.PORT), host: "127.0.0.1" });
