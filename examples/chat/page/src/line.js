// The line of one side to the server: one WebSocket for all that it follows. When it breaks, everything that is
// followed begins anew, behind the last cursor that was seen; see docs/guides/offline.md.
import { createClient } from '../vendor/graphql-ws/client.js'

const FIRST_WAIT_MS = 250
const LONGEST_WAIT_MS = 8_000
const SILENCE_MS = 5_000
const FINAL = new Set(['GRAPHQL_VALIDATION_FAILED', 'FORBIDDEN', 'BAD_USER_INPUT', 'NOT_FOUND'])

export class Line extends EventTarget {
  state = 'connecting'
  #session
  #client
  #failures = 0
  #wakers = new Set()

  constructor(session) {
    super()
    this.#session = session
    let silence
    this.#client = createClient({
      url: location.origin.replace(/^http/, 'ws') + '/graphql',
      lazyCloseTimeout: 2_000,
      retryAttempts: 0, // whoever follows begins anew, and knows where
      keepAlive: 8_000,
      connectionParams: async () => ({ Authorization: `Bearer ${await session.token()}` }),
      on: {
        connected: () => this.#become('live'),
        closed: event => {
          clearTimeout(silence)
          if (event?.code === 4403) session.renew()
          if (event?.code !== 1000) this.#become('lost')
        },
        ping: isReceived => {
          if (!isReceived) silence = setTimeout(() => this.#client.terminate(), SILENCE_MS)
        },
        pong: () => clearTimeout(silence),
      },
    })
    addEventListener('online', () => this.wake())
    addEventListener('offline', () => this.#client.terminate())
    document.addEventListener('visibilitychange', () => document.hidden || this.wake())
  }

  get isLive() {
    return this.state === 'live'
  }

  /** Cut the line, as a lift does, or put it back. */
  cut(isCut) {
    this.#session.isCut = isCut
    if (isCut) {
      this.#client.terminate()
      this.#become('lost')
    } else this.wake()
  }

  /** Try again at once. */
  wake() {
    this.#failures = 0
    for (const wake of this.#wakers) wake()
    this.#wakers.clear()
  }

  /** Wait a little before the next attempt, longer each time and not to the same beat as others. */
  async pause() {
    const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#failures++)
    await new Promise(resolve => {
      this.#wakers.add(resolve)
      setTimeout(resolve, longest * (0.5 + Math.random() / 2))
    })
  }

  /**
   * Follow a subscription until it is stopped; return what stops it.
   * `variables` is called for each attempt, as the cursor moves on; `next` gets the value of the only field.
   */
  follow(query, variables, next) {
    let isStopped = false
    let dispose = () => {}
    const once = () =>
      new Promise(resolve => {
        dispose = this.#client.subscribe(
          { query, variables: variables() },
          {
            next: answer => {
              this.#failures = 0
              if (answer.data && !isStopped) next(Object.values(answer.data)[0])
            },
            error: error => resolve(Array.isArray(error) ? error : []),
            complete: () => resolve([]),
          },
        )
      })
    const run = async () => {
      while (!isStopped) {
        const errors = this.#session.isCut ? [] : await once()
        if (errors.some(each => FINAL.has(each.extensions?.code))) return // this server has it not, or not for us
        if (!isStopped) await this.pause()
      }
    }
    run()
    return () => {
      isStopped = true
      dispose()
    }
  }

  #become(state) {
    if (this.state === state) return
    this.state = state
    this.dispatchEvent(new Event('change'))
  }
}
