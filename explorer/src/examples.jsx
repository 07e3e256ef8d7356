// The "Examples" panel: saved queries, by group, each one click away.
import { openAccount, useAccount } from './account.jsx'
import { useGraphiQL, useGraphiQLActions } from '@graphiql/react'

const text = value => (value ?? '').trim()
const isSame = (tab, example) =>
  text(tab.query) === text(example.query) && text(tab.variables) === text(example.variables)

/** Open an example: go to the tab that already holds it, else make a new one. */
function useOpenExample() {
  const actions = useGraphiQLActions()
  const tabs = useGraphiQL(state => state.tabs)
  const queryEditor = useGraphiQL(state => state.queryEditor)
  const variableEditor = useGraphiQL(state => state.variableEditor)

  return example => {
    if (!queryEditor || !variableEditor) return // the editors are still loading
    const found = tabs.findIndex(tab => isSame(tab, example))
    if (found >= 0) {
      actions.changeTab(found)
    } else {
      actions.addTab()
      queryEditor.setValue(example.query)
      variableEditor.setValue(example.variables ?? '')
      actions.updateActiveTabValues({ query: example.query, variables: example.variables ?? '' })
    }
  }
}

/** What a shopper sees of themselves nobody else can ask for: say so where somebody else asks. */
function ShopperHint({ account, examples }) {
  const { viewer } = useAccount(account)
  if (viewer?.kind === 'CUSTOMER' || !examples.some(example => example.actor === 'CUSTOMER')) return null
  return (
    <button type="button" className="examples-hint" onClick={openAccount}>
      Sign in as a shopper first
    </button>
  )
}

function ExamplesPanel({ groups, account }) {
  const openExample = useOpenExample()
  const activeTab = useGraphiQL(state => state.tabs[state.activeTabIndex])

  return (
    <section className="examples" aria-label="Examples">
      <h2 className="examples-title">Examples</h2>
      {groups.size === 0 && <p>This server has no saved examples.</p>}
      {[...groups].map(([group, examples]) => (
        <section key={group} aria-label={group}>
          <h3 className="examples-group">{group}</h3>
          <ShopperHint account={account} examples={examples} />
          <ul className="examples-list">
            {examples.map(example => (
              <li key={example.name}>
                <button
                  type="button"
                  className="examples-item"
                  aria-current={activeTab && isSame(activeTab, example) ? 'true' : undefined}
                  onClick={() => openExample(example)}
                >
                  {example.name}
                </button>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </section>
  )
}

const ExamplesIcon = props => (
  <svg viewBox="0 0 20 20" fill="none" stroke="currentColor" strokeWidth="1.5" {...props}>
    <rect x="2" y="2.5" width="16" height="15" rx="2" />
    <path d="M5.5 7h1M9 7h5.5M5.5 10h1M9 10h5.5M5.5 13h1M9 13h5.5" strokeLinecap="round" />
  </svg>
)

/** The GraphiQL plugin for a list of examples ({name, group, actor, query, variables}). */
export function examplesPlugin(examples, account) {
  // Groups appear in the order in which the server names them.
  const groups = new Map()
  for (const example of examples) {
    const group = example.group || 'Other'
    groups.set(group, [...(groups.get(group) ?? []), example])
  }
  return {
    title: 'Examples',
    icon: ExamplesIcon,
    content: () => <ExamplesPanel groups={groups} account={account} />,
  }
}
