// Somebody who is signed in: a shopper, a guest, or a member of staff.
//
// What is kept stays in sessionStorage: it survives a reload, belongs to this tab and ends with it. A refresh token
// works once, so a tab that the browser copied, token and all, does not use the session (`holdAlone`).
import { LEAVE, RENEW, SIGN_IN, VISIT } from './documents.js'

const RENEW_EARLY_MS = 60_000
const PATIENCE_MS = 15_000
const COPY_PATIENCE_MS = 2_000

/** What could not be asked now: nobody knows whether it was done, so it is asked again. */
export class Lost extends Error {}

/** What the server refused: asked again, it would be refused again. */
export class Refused extends Error {
  constructor(message, code) {
    super(message)
    this.code = code
  }
}

const PASSING = new Set(['THROTTLED', 'TIMEOUT', 'INTERNAL', 'UNAUTHENTICATED'])

export class Session extends EventTarget {
  /** The user's own switch: cut, nothing leaves the page, as without a network. */
  isCut = false
  #name
  #held = null
  #asking = null
  #letGo = () => {}

  /** `name`: of the side that it is for, `shopper` or `agent`. */
  constructor(name) {
    super()
    this.#name = name
  }

  get #place() {
    return `sportello/chat/${this.#name}`
  }

  get viewer() {
    return this.#held?.viewer ?? null
  }

  get isGuest() {
    return this.#held?.isGuest ?? false
  }

  /** Go on as whoever this tab was before; return whether there was somebody. */
  async restore() {
    const kept = JSON.parse(sessionStorage.getItem(this.#place) ?? 'null')
    const letGo = kept && (await holdAlone(kept.id))
    if (letGo) {
      this.#letGo = letGo
      this.#held = kept
    }
    return this.#held !== null
  }

  /** Sign in; a guest keeps what was said. Throws `Lost` or `Refused`. */
  async signIn(login) {
    const headers = this.isGuest ? { Authorization: `Bearer ${await this.token()}` } : {}
    await this.#begin(SIGN_IN, login, headers)
  }

  /** Come in without saying who one is. Throws `Lost` or `Refused`. */
  async visit() {
    await this.#begin(VISIT, { locale: 'en' }, {}, true)
  }

  /** Return a token that counts. Throws `Lost`, also where the session has ended: what was to be done still is. */
  async token() {
    if (!this.#held) throw new Lost('Nobody is signed in.')
    if (Date.now() < this.#held.renewAt) return this.#held.accessToken
    this.#asking ??= this.#renew().finally(() => (this.#asking = null))
    return this.#asking
  }

  /** Take note that the token does not count any more. */
  renew() {
    if (this.#held) this.#held.renewAt = 0
  }

  /** Ask; return the data. Throws `Lost` or `Refused`. */
  async ask(query, variables = {}) {
    const { data } = await this.#post({ query, variables }, { Authorization: `Bearer ${await this.token()}` })
    return data
  }

  /** Write; return the payload of the only field. Throws `Lost`, or `Refused` with the first of the userErrors. */
  async write(query, input) {
    return payloadOf(await this.ask(query, { input }))
  }

  /** Be nobody from now on. The server is told, if it can be. */
  async leave() {
    await this.ask(LEAVE).catch(() => {})
    this.#end('')
  }

  async #begin(query, input, headers, isGuest = false) {
    const answer = await this.#post({ query, variables: { input } }, headers)
    const { session } = payloadOf(answer.data)
    const isOfTeam = session.viewer.staffMember !== null
    if (isOfTeam !== (this.#name === 'agent')) {
      await this.#post({ query: LEAVE }, { Authorization: `Bearer ${session.accessToken}` })
      throw new Refused(`This login is of ${isOfTeam ? 'the team' : 'a customer'}: use it at the other side.`)
    }
    const id = crypto.randomUUID() // of the tab's hold on it, not of the session
    this.#letGo()
    this.#letGo = (await holdAlone(id)) ?? (() => {})
    this.#hold(session, answer.now, { id, isGuest })
  }

  async #renew() {
    const { refreshToken, id, isGuest } = this.#held
    const answer = await this.#post({ query: RENEW, variables: { input: { refreshToken } } })
    const { session, userErrors } = Object.values(answer.data)[0]
    if (session) return this.#hold(session, answer.now, { id, isGuest })
    if (userErrors[0].code === 'BAD_CREDENTIALS') this.#end('The session has ended. Sign in again: what waits here is kept.')
    throw new Lost(userErrors[0].message)
  }

  /** Keep it; `now`: the server's time, as this computer's may be another one. Returns the access token. */
  #hold({ accessToken, accessTokenExpiresAt, refreshToken, viewer }, now, { id, isGuest }) {
    const renewAt = Date.now() + (Date.parse(accessTokenExpiresAt) - now) - RENEW_EARLY_MS
    this.#held = { id, isGuest, accessToken, refreshToken, renewAt, viewer }
    sessionStorage.setItem(this.#place, JSON.stringify(this.#held))
    return accessToken
  }

  #end(notice) {
    this.#letGo()
    this.#held = null
    sessionStorage.removeItem(this.#place)
    this.dispatchEvent(new CustomEvent('ended', { detail: notice }))
  }

  /** Return what came: its data, and the server's time. */
  async #post(operation, headers = {}) {
    if (this.isCut) throw new Lost('The line is cut.')
    const response = await fetch('/graphql', {
      method: 'POST',
      headers: { Accept: 'application/json', 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify(operation),
      signal: AbortSignal.timeout(PATIENCE_MS),
    }).catch(error => {
      throw new Lost(error.message)
    })
    if (response.status === 401) this.renew()
    const { data, errors = [] } = await response.json().catch(() => ({}))
    const [error] = errors
    if (error && !PASSING.has(error.extensions?.code)) throw new Refused(error.message, error.extensions?.code)
    if (error || !response.ok || !data) throw new Lost(error?.message ?? `The server answered ${response.status}.`)
    return { data, now: Date.parse(response.headers.get('Date')) || Date.now() }
  }
}

function payloadOf(data) {
  const [payload] = Object.values(data)
  const [error] = payload.userErrors
  if (error) throw Object.assign(new Refused(error.message, error.code), { missed: error.missed })
  return payload
}

/** Hold a session for this tab alone: return how to let go, or null where another tab holds it. */
function holdAlone(id) {
  if (!navigator.locks) return Promise.resolve(() => {}) // only pages that came over TLS, or from this computer, have them
  return new Promise(resolve => {
    const hold = () => new Promise(letGo => resolve(letGo))
    // A tab that is loaded again waits until its former page has let go.
    const options = { signal: AbortSignal.timeout(COPY_PATIENCE_MS) }
    navigator.locks.request(`sportello/chat/${id}`, options, hold).catch(() => resolve(null))
  })
}
