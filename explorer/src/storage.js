// Where GraphiQL keeps open tabs, the theme and the layout between visits.
//
// Two things are special here.
//
// 1. Keys get a prefix of our own. Local addresses are shared: another project's
//    GraphiQL on the same port must not leave us its tabs or its credentials.
// 2. In the demo the prefix is a different one. There headers are never stored, so
//    a key of an earlier run cannot come back; and a key that someone chose to keep
//    outside of the demo is not seen there.

const PERSIST_HEADERS = 'graphiql:shouldPersistHeaders'
const HEADERS = 'graphiql:headers'
const TABS = 'graphiql:tabState'

/** A store with the interface of localStorage that sees only keys with `prefix`. */
export function openStorage(isDemo) {
  const prefix = isDemo ? 'sportello-demo/' : 'sportello/'
  const ownKeys = () => Object.keys(localStorage).filter(key => key.startsWith(prefix))
  return {
    getItem: key => localStorage.getItem(prefix + key),
    setItem: (key, value) => localStorage.setItem(prefix + key, value),
    removeItem: key => localStorage.removeItem(prefix + key),
    clear: () => ownKeys().forEach(key => localStorage.removeItem(key)),
    get length() {
      return ownKeys().length
    },
  }
}

/** Let the first visit begin with an example instead of an empty editor. */
export function seedFirstVisit(storage, example) {
  if (!example || storage.getItem(TABS)) return
  // GraphiQL's `defaultTabs` would fill the query but not the variables editor,
  // so hand both over in the way it finds them after a reload.
  storage.setItem('graphiql:query', example.query)
  storage.setItem('graphiql:variables', example.variables ?? '')
}

/** Did the user switch "Persist headers" on in the settings? */
export const keepsHeaders = storage => storage.getItem(PERSIST_HEADERS) === 'true'

/** The headers kept from the last visit, or undefined. */
export function keptHeaders(storage) {
  try {
    return JSON.parse(storage.getItem(HEADERS)) ?? undefined
  } catch {
    return undefined // half-typed text; the user will see it in the editor
  }
}
