// How the chat page becomes static files: `npm run build` copies it, and beside it the one library that it uses, as
// both are. Nothing is bundled, so what the browser runs is what stands here.
import { cp, mkdir, readdir } from 'node:fs/promises'
import { argv } from 'node:process'

const [, , target] = argv
const library = 'node_modules/graphql-ws'
const vendor = `${target}/vendor/graphql-ws`
const wanted = /^(client|common-.*)\.js$/ // the client, and what it shares with the server

await cp('page', target, { recursive: true })
await mkdir(vendor, { recursive: true })
for (const name of await readdir(`${library}/dist`)) {
  if (wanted.test(name)) await cp(`${library}/dist/${name}`, `${vendor}/${name}`)
}
await cp(`${library}/LICENSE.md`, `${vendor}/LICENSE.md`)
