// As whom the page asks: as nobody, as the demo's app, as an app whose key was typed, or as a person who signed in.
//
// * A session or a typed key is kept in sessionStorage: it survives a reload, belongs to this tab and ends with it.
//   The demo's key is not kept; config.json brings the one that counts now.
// * An access token is renewed a little before it ends, and when the server refuses it (401, or 4403 on a socket).
// * A refresh token works once, and a session whose old one comes again is ended by the server. So two requests wait
//   for the same renewal, and a tab that the browser copied, token and all, does not use the session (`holdAlone`).
import { bearer, post } from './post.js'

const KEY = 'sportello/account'
const RENEW_EARLY = 30_000
const PATIENCE = 2_000

const VIEWER = 'viewer { kind permissions staffMember { name email role } customer { displayName } }'
const SESSION = `session { id accessToken accessTokenExpiresAt refreshToken ${VIEWER} }`
const REFUSED = 'userErrors { code message }'
const WHO = `query ExplorerViewer { ${VIEWER} }`
const SIGN_IN = `mutation ExplorerSignIn($input: SessionCreateInput!) { sessionCreate(input: $input) { ${SESSION} ${REFUSED} } }`
const RENEW = `mutation ExplorerRenew($input: SessionRefreshInput!) { sessionRefresh(input: $input) { ${SESSION} ${REFUSED} } }`
const SIGN_OUT = `mutation ExplorerSignOut { sessionRevoke(input: {}) { revokedCount ${REFUSED} } }`

export const ENDED = 'The session has ended: sign in again.'
const COPIED = 'This tab is a copy of one that is signed in. Sign in here for a session of its own.'
const UNHEARD = 'Signed out here, but the server could not be told: there the session ends by itself.'

function readKept() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY))
  } catch {
    return null
  }
}

/** What is kept of a session: its tokens, and when to renew them by this computer's clock. */
function keepable({ id, accessToken, accessTokenExpiresAt, refreshToken }, now) {
  const lifetime = Date.parse(accessTokenExpiresAt) - now
  return { id, accessToken, refreshToken, renewAt: Date.now() + lifetime - RENEW_EARLY }
}

/** Why an answer is none, in words for people. */
function reasonOf({ status, body }) {
  return body.errors?.[0]?.message ?? `The server answered ${status} without data.`
}

/** Hold a session for this tab alone: return how to let go, or null where another tab holds it. */
function holdAlone(id) {
  if (!navigator.locks) return Promise.resolve(() => {}) // only pages that came over TLS, or from this computer, have them
  return new Promise(resolve => {
    const hold = () => new Promise(letGo => resolve(letGo))
    // A tab that is loaded again waits until its former page has let go.
    const options = { signal: AbortSignal.timeout(PATIENCE) }
    navigator.locks.request(`sportello/session/${id}`, options, hold).catch(() => resolve(null))
  })
}

/** Ask for new tokens; return the answer, and what it holds. */
async function renewed(endpoint, { refreshToken }) {
  const answer = await post(endpoint, { query: RENEW, variables: { input: { refreshToken } } })
  return { answer, payload: answer.body.data?.sessionRefresh }
}

/** End a session that the page uses no more; return whether the server was told. */
async function endAtServer(endpoint, { accessToken, refreshToken, renewAt }) {
  try {
    const isOld = Date.now() >= renewAt
    const fresh = isOld ? (await renewed(endpoint, { refreshToken })).payload?.session?.accessToken : accessToken
    if (fresh) await post(endpoint, { query: SIGN_OUT }, bearer(fresh))
    return true // or it had ended before
  } catch {
    return false
  }
}

/** Make the account: the one place that knows tokens. `demo`: {token}, where the server gave one away. */
export function createAccount(endpoint, demo) {
  // `seat` grows whenever somebody else sits down here.
  const nobody = { way: 'nobody', key: null, session: null, viewer: null, notice: '' }
  const listeners = new Set()
  let state = { ...nobody, seat: 0 }
  let renewing = null
  let letGo = () => {}

  function change(next) {
    state = { ...state, ...next }
    const { way, key, session, viewer } = state
    sessionStorage.setItem(KEY, JSON.stringify({ way, key, session, viewer: session && viewer }))
    for (const listener of [...listeners]) listener(state)
  }

  function sit(next, held = () => {}) {
    letGo()
    letGo = held
    change({ ...nobody, seat: state.seat + 1, ...next })
  }

  /** Let somebody else sit down; whoever signed in before is signed out. Returns whether the server knows. */
  async function become(next, held) {
    const former = state.session
    sit(next, held)
    return former ? endAtServer(endpoint, former) : true
  }

  async function renewNow(session) {
    const { answer, payload } = await renewed(endpoint, session)
    if (state.session?.id !== session.id) return // somebody signed out meanwhile
    if (!payload) throw new Error(reasonOf(answer))
    const [refusal] = payload.userErrors
    if (refusal && refusal.code !== 'BAD_CREDENTIALS') throw new Error(refusal.message)
    if (refusal) sit({ notice: ENDED })
    else change({ session: keepable(payload.session, answer.now), viewer: payload.session.viewer })
  }

  async function freshToken() {
    if (Date.now() >= state.session.renewAt) {
      renewing ??= renewNow(state.session).finally(() => (renewing = null))
      await renewing
    }
    if (!state.session) throw new Error(ENDED)
    return state.session.accessToken
  }

  async function askWho(token) {
    const answer = await post(endpoint, { query: WHO }, bearer(token))
    if (answer.status === 401) throw new Error(reasonOf(answer))
    return answer.body.data?.viewer ?? null
  }

  async function becomeDemo() {
    const told = become({ way: 'demo' })
    const viewer = await askWho(demo.token).catch(() => null)
    if (state.way === 'demo') change({ viewer })
    await told
  }

  return {
    /** Be told of every change; returns how to be told no more. */
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },

    /** What there is to show. */
    snapshot: () => state,

    /** Begin as whoever the tab was before, else as the demo's app. */
    async start() {
      const kept = readKept()
      if (kept?.way === 'session' && kept.session) {
        const held = await holdAlone(kept.session.id)
        if (held) letGo = held
        if (held) change({ way: 'session', session: kept.session, viewer: kept.viewer })
        else sit({ notice: COPIED })
      } else if (kept?.way === 'key' && kept.key) {
        change({ way: 'key', key: kept.key })
        const viewer = await askWho(kept.key).catch(({ message }) => sit({ notice: message }))
        if (state.key === kept.key) change({ viewer })
      } else if (demo && kept?.way !== 'nobody') {
        becomeDemo()
      }
    },

    /** The token to send now, a fresh one where the last one ends; undefined for nobody. */
    async token() {
      if (state.way === 'session') return freshToken()
      return { demo: demo?.token, key: state.key }[state.way]
    },

    /** The server refused this token: the next one is a new one, if there can be one. Returns whether there can. */
    distrust(token) {
      if (state.way !== 'session') return false
      // Who waited for the same refusal finds a new token already.
      if (state.session.accessToken === token) change({ session: { ...state.session, renewAt: 0 } })
      return true
    },

    /** Sign in; return the refusal ({code, message}), or null. */
    async signIn({ email, password, otp }) {
      const answer = await post(endpoint, { query: SIGN_IN, variables: { input: { email, password, otp } } })
      const payload = answer.body.data?.sessionCreate
      if (!payload) return { code: '', message: reasonOf(answer) }
      const { session } = payload
      if (!session) return payload.userErrors[0]
      const held = (await holdAlone(session.id)) ?? undefined
      await become({ way: 'session', session: keepable(session, answer.now), viewer: session.viewer }, held)
      return null
    },

    /** Ask as an app with this key; throws where the key opens nothing. */
    async useKey(key) {
      const viewer = await askWho(key)
      await become({ way: 'key', key, viewer })
    },

    /** Ask as the demo's app. */
    becomeDemo,

    /** Ask as nobody from now on; a session is ended, here and at the server. */
    async signOut() {
      const wasTold = await become({})
      if (!wasTold && state.way === 'nobody') change({ notice: UNHEARD })
    },
  }
}
