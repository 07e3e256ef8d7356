// Somebody who is signed in. The tokens stay in memory: after a reload the page signs in anew.
import { RENEW, SIGN_IN } from './documents.js'

const RENEW_EARLY_MS = 60_000

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

export class Session {
  /** The user's own switch: cut, nothing leaves the page, as without a network. */
  isCut = false
  #login
  #held = null
  #asking = null

  constructor(login) {
    this.#login = login
  }

  /** Return a token that counts. */
  async token() {
    if (this.#held && Date.parse(this.#held.accessTokenExpiresAt) - Date.now() > RENEW_EARLY_MS) {
      return this.#held.accessToken
    }
    this.#asking ??= this.#enter().finally(() => (this.#asking = null))
    return this.#asking
  }

  /** Take note that the token does not count any more. */
  renew() {
    if (this.#held) this.#held.accessTokenExpiresAt = new Date(0).toISOString()
  }

  /** Ask; return the data. Throws `Lost` or `Refused`. */
  async ask(query, variables = {}) {
    return this.#post({ query, variables }, { Authorization: `Bearer ${await this.token()}` })
  }

  /** Write; return the payload of the only field. Throws `Lost`, or `Refused` with the first of the userErrors. */
  async write(query, input) {
    const [payload] = Object.values(await this.ask(query, { input }))
    const [error] = payload.userErrors
    if (error) throw Object.assign(new Refused(error.message, error.code), { missed: error.missed })
    return payload
  }

  /** With the refresh token, where there is one that counts; else with the password again. */
  async #enter() {
    const refreshToken = this.#held?.refreshToken
    if (refreshToken) {
      const { sessionRefresh } = await this.#post({ query: RENEW, variables: { input: { refreshToken } } })
      if (sessionRefresh.session) return (this.#held = sessionRefresh.session).accessToken
    }
    const { sessionCreate } = await this.#post({ query: SIGN_IN, variables: { input: this.#login } })
    if (!sessionCreate.session) throw new Refused(sessionCreate.userErrors[0].message, sessionCreate.userErrors[0].code)
    this.#held = sessionCreate.session
    return this.#held.accessToken
  }

  async #post(operation, headers = {}) {
    if (this.isCut) throw new Lost('The line is cut.')
    const response = await fetch('/graphql', {
      method: 'POST',
      headers: { Accept: 'application/json', 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify(operation),
      signal: AbortSignal.timeout(15_000),
    }).catch(error => {
      throw new Lost(error.message)
    })
    if (response.status === 401) this.renew()
    const body = await response.json().catch(() => ({}))
    const [error] = body.errors ?? []
    if (error && !PASSING.has(error.extensions?.code)) throw new Refused(error.message, error.extensions?.code)
    if (error || !response.ok || !body.data) throw new Lost(error?.message ?? `The server answered ${response.status}.`)
    return body.data
  }
}
