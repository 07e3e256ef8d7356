// graphql-ws as its manual shows it, on ws: each subscription is executed by itself, for each message; no database.
import { createServer } from "node:http";
import { GraphQLID, GraphQLInt, GraphQLNonNull, GraphQLObjectType, GraphQLSchema, GraphQLString } from "graphql";
import { useServer } from "graphql-ws/use/ws";
import { WebSocketServer } from "ws";

const DIGITS = 8;
const LENGTH = 120;
const CONVERSATIONS = Number(process.argv[2]);
const followers = new Map();

// An endless list that whoever publishes adds to.
function follow(id) {
  const waiting = [];
  let wake = null;
  let isOver = false;
  const member = (item) => {
    waiting.push(item);
    wake?.();
    wake = null;
  };
  if (!followers.has(id)) followers.set(id, new Set());
  followers.get(id).add(member);
  return {
    async next() {
      while (!waiting.length && !isOver) await new Promise((resolve) => (wake = resolve));
      return isOver ? { done: true } : { done: false, value: { conversationEvents: waiting.shift() } };
    },
    async return() {
      isOver = true;
      followers.get(id).delete(member);
      wake?.();
      return { done: true };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

const Message = new GraphQLObjectType({
  name: "Message",
  fields: { id: { type: GraphQLID }, seq: { type: GraphQLInt }, text: { type: GraphQLString } },
});
const InteractionAdded = new GraphQLObjectType({
  name: "InteractionAdded",
  fields: { cursor: { type: GraphQLString }, interaction: { type: Message } },
});
const schema = new GraphQLSchema({
  query: new GraphQLObjectType({ name: "Query", fields: { ok: { type: GraphQLString } } }),
  subscription: new GraphQLObjectType({
    name: "Subscription",
    fields: {
      conversationEvents: {
        type: InteractionAdded,
        args: { conversationId: { type: new GraphQLNonNull(GraphQLID) } },
        subscribe: (_, { conversationId }) => follow(conversationId),
      },
    },
  }),
});

const sleep = (ms) => new Promise((resolve) => (ms > 0 ? setTimeout(resolve, ms) : setImmediate(resolve)));

async function publish({ count, conversations, together, every_s: everyS }) {
  const at = [];
  const begin = performance.now();
  for (let number = 0; number < count; number++) {
    const id = String(number % conversations);
    const text = `@${String(number).padStart(DIGITS, "0")}@`.padEnd(LENGTH, "x");
    const item = { cursor: `0123456789abcdef-${number}`, interaction: { id, seq: number, text } };
    for (const tell of followers.get(id) ?? []) tell(item);
    at.push(Number(process.hrtime.bigint()));
    if (at.length % together === 0) await sleep(everyS ? begin + at.length * everyS * 1000 - performance.now() : 0);
  }
  return at;
}

const server = createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", async () => {
    let found = [...followers.values()].reduce((sum, members) => sum + members.size, 0);
    if (request.url === "/begin") found = { ids: Array.from({ length: CONVERSATIONS }, (_, key) => `${key}`), token: "" };
    if (request.url === "/publish") found = await publish(JSON.parse(Buffer.concat(chunks)));
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(found));
  });
});
useServer({ schema }, new WebSocketServer({ server, path: "/graphql" }));
server.listen(Number(process.env.PORT), "127.0.0.1");
