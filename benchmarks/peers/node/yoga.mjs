// GraphQL Yoga as its manual shows it, with a DataLoader for each relation and request.
import { createServer } from "node:http";
import DataLoader from "dataloader";
import { createSchema, createYoga } from "graphql-yoga";
import * as tables from "./tables.mjs";

const cacheKeyFn = ({ id, first }) => `${id} ${first}`;

const yoga = createYoga({
  logging: false,
  graphiql: false,
  context: () => ({
    orders: new DataLoader(tables.ordersOf, { cacheKeyFn }),
    notes: new DataLoader(tables.notesOf, { cacheKeyFn }),
    linesOfOrders: new DataLoader(tables.linesOfOrders),
    linesOfNotes: new DataLoader(tables.linesOfNotes),
  }),
  schema: createSchema({
    typeDefs: tables.typeDefs,
    resolvers: {
      Query: {
        customer: (_, { id }) => tables.customerById(id),
        customers: (_, { first }) => tables.newestCustomers(first),
      },
      Mutation: { creditNoteUpsert: (_, { input }) => tables.creditNoteUpsert(input) },
      Customer: {
        orders: ({ id }, { first }, loaders) => loaders.orders.load({ id, first }),
        creditNotes: ({ id }, { first }, loaders) => loaders.notes.load({ id, first }),
      },
      Order: { lines: ({ id }, _, loaders) => loaders.linesOfOrders.load(id) },
      CreditNote: { lines: ({ id }, _, loaders) => loaders.linesOfNotes.load(id) },
    },
  }),
});
createServer(yoga).listen(Number(process.env.PORT), "127.0.0.1");
