// Runs every audit of graphql-http against the server at the address given, and prints one JSON object for each.
import { auditServer } from 'graphql-http';

const [url] = process.argv.slice(2);
for (const { id, name, status, reason } of await auditServer({ url, fetchFn: fetch })) {
  console.log(JSON.stringify({ id, name, status, reason }));
}
