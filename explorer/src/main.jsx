// The Sportello explorer: GraphiQL that signs in, with examples for whoever signed in.
//
// The server says in config.json where the API is, what the demo gives away (if
// it is one) and which examples to show. How the credentials travel:
//
// * Who asks stands in the header of the page; account.js knows their token and
//   sends it, with requests as with sockets.
// * An Authorization in the Headers editor wins over that, for this one request.
//   It is forgotten on reload, unless "Persist headers" is switched on in the
//   settings (off at first, and not there in the demo).
// * A token never appears in the address.
import 'graphiql/setup-workers/vite'
import { GraphiQL } from 'graphiql'
import { explorerPlugin } from '@graphiql/plugin-explorer'
import { createRoot } from 'react-dom/client'
import { createAccount } from './account.js'
import { Account } from './account.jsx'
import { loadConfig } from './config.js'
import { examplesPlugin } from './examples.jsx'
import { createFetcher } from './fetcher.js'
import { keepsHeaders, keptHeaders, openStorage, seedFirstVisit } from './storage.js'
import mark from './mark.svg'
// Not 'graphiql/style.css': that one holds the editor's styles a second time and
// eight web fonts. style.css comes last, it changes some of the others' values.
import '@graphiql/react/style.css'
import 'graphiql/graphiql.css'
import '@graphiql/plugin-doc-explorer/style.css'
import '@graphiql/plugin-explorer/style.css'
import './style.css'

// Comments are allowed in the Headers editor, so this sends nothing yet.
const HEADERS_HINT = `{
  // What stands here wins over who signed in:
  // "Authorization": "Bearer …"
}`

const config = await loadConfig()
const isDemo = Boolean(config.demo)
const storage = openStorage(isDemo)
const persistHeaders = !isDemo && keepsHeaders(storage)
seedFirstVisit(storage, config.examples[0])

const account = createAccount(config.endpoint, config.demo)
await account.start()

// Made once: GraphiQL would start over with its panels if these were new objects.
const examples = examplesPlugin(config.examples, account)
const builder = { ...explorerPlugin({ title: 'Query builder' }), title: 'Query builder' }
const plugins = [examples, builder]
const fetcher = createFetcher(config.endpoint, account, persistHeaders ? keptHeaders(storage) : undefined)

// No history plugin: it writes the headers, token and all, into the storage.
createRoot(document.getElementById('root')).render(
  <GraphiQL
    fetcher={fetcher}
    plugins={plugins}
    visiblePlugin={examples}
    storage={storage}
    defaultHeaders={HEADERS_HINT}
    shouldPersistHeaders={persistHeaders}
    showPersistHeadersSettings={!isDemo}
  >
    <GraphiQL.Logo>
      <Account account={account} demo={config.demo} />
      <h1 className="brand">
        <img src={mark} alt="" width="20" height="20" />
        {config.title}
      </h1>
    </GraphiQL.Logo>
  </GraphiQL>,
)
