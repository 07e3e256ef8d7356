// PostGraphile on the product's tables, with its Amber preset. `--print` writes its schema instead of serving it.
import { createServer } from "node:http";
import { printSchema } from "graphql";
import { postgraphile } from "postgraphile";
import { makePgService } from "postgraphile/adaptors/pg";
import { grafserv } from "postgraphile/grafserv/node";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";

const { PGHOST, PGPORT, PGUSER, PGDATABASE } = process.env;
const server = postgraphile({
  extends: [PostGraphileAmberPreset],
  pgServices: [
    makePgService({
      connectionString: `postgres://${PGUSER}@/${PGDATABASE}?host=${encodeURIComponent(PGHOST)}&port=${PGPORT}`,
      poolConfig: { max: 16, min: 16 },
      schemas: ["public", "peers"],
    }),
  ],
  grafserv: { websockets: false, watch: false },
  grafast: { explain: false },
});
if (process.argv.includes("--print")) {
  const text = printSchema(await server.getSchema());
  process.stdout.write(text, () => process.exit(0));
}
const http = createServer();
await server.createServ(grafserv).addTo(http);
http.listen(Number(process.env.PORT), "127.0.0.1");
