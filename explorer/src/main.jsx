// The Sportello explorer: GraphiQL with the server's own token and examples.
//
// The server says in config.json where the API is, which token the demo has (if
// any) and which examples to show. How the credentials travel:
//
// * The Headers editor is the truth: what it shows is what is sent.
// * A demo token is its default text, taken anew from config.json on every load.
//   Headers are then never stored, so an old token cannot win over the new one.
// * Without a demo token the user types a key there. It is forgotten on reload,
//   unless "Persist headers" is switched on in the settings (off at first).
// * A token never appears in the address.
import 'graphiql/setup-workers/vite'
import { GraphiQL } from 'graphiql'
import { explorerPlugin } from '@graphiql/plugin-explorer'
import { createRoot } from 'react-dom/client'
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
  // "Authorization": "Bearer <your API key>"
}`

const config = await loadConfig()
const isDemo = Boolean(config.token)
const demoHeaders = isDemo ? { Authorization: `Bearer ${config.token}` } : undefined
const storage = openStorage(isDemo)
const persistHeaders = !isDemo && keepsHeaders(storage)
seedFirstVisit(storage, config.examples[0])

// Made once: GraphiQL would start over with its panels if these were new objects.
const examples = examplesPlugin(config.examples)
const builder = { ...explorerPlugin({ title: 'Query builder' }), title: 'Query builder' }
const plugins = [examples, builder]
const fetcher = createFetcher(
  config.endpoint,
  demoHeaders ?? (persistHeaders ? keptHeaders(storage) : undefined),
)

// No history plugin: it writes the headers, token and all, into the storage.
createRoot(document.getElementById('root')).render(
  <GraphiQL
    fetcher={fetcher}
    plugins={plugins}
    visiblePlugin={examples}
    storage={storage}
    defaultHeaders={demoHeaders ? JSON.stringify(demoHeaders, null, 2) : HEADERS_HINT}
    shouldPersistHeaders={persistHeaders}
    showPersistHeadersSettings={!isDemo}
  >
    <GraphiQL.Logo>
      <h1 className="brand">
        <img src={mark} alt="" width="20" height="20" />
        {config.title}
      </h1>
    </GraphiQL.Logo>
  </GraphiQL>,
)
