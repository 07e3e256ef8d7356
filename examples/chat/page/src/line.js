// The line of one side to the server: one WebSocket for all that it follows. When it breaks, everything that is
// followed begins anew, behind the last cursor that was seen; see docs/guides/offline.md.
import { createClient } from '../vendor/graphql-ws/client.js'
import { Refused } from './session.js'

const FIRST_WAIT_MS = 250
const LONGEST_WAIT_MS = 8_000
const PING_EVERY_MS = 8_000
const SILENCE_MS = 5_000

/** Codes with which a stream ends for good: this server has it not, or not for us. */
const FINAL = new Set(['GRAPHQL_VALIDATION_FAILED', 'FORBIDDEN', 'BAD_USER_INPUT', 'NOT_FOUND'])

export class Line extends EventTarget {
  /** `connecting`, `live` or `lost`. */
  state = 'connecting'
  #session
  #client
  #failures = 0
  #wakers = new Set()
  #ended = new AbortController()

  constructor(session) {
    super()
    this.#session = session
    let silence
    this.#client = createClient({
      url: location.origin.replace(/^http/, 'ws') + '/graphql',
      lazyCloseTimeout: 2_000,
      retryAttempts: 0, // whoever follows begins anew, and knows where
      keepAlive: PING_EVERY_MS,
      connectionAckWaitTimeout: SILENCE_MS,
      connectionParams: async () => ({ Authorization: `Bearer ${await session.token()}` }),
      on: {
        connected: () => {
          this.#become('live')
          this.#rouse()
        },
        closed: event => {
          clearTimeout(silence)
          if (event?.code === 4403) session.renew()
          if (event?.code !== 1000) this.#become('lost')
        },
        // A line on which nothing comes back is dead, whatever the system says.
        ping: isReceived => {
          if (!isReceived) silence = setTimeout(() => this.#client.terminate(), SILENCE_MS)
        },
        pong: () => clearTimeout(silence),
      },
    })
    const { signal } = this.#ended
    addEventListener('online', () => this.wake(), { signal })
    addEventListener('offline', () => this.#client.terminate(), { signal })
    document.addEventListener('visibilitychange', () => document.hidden || this.wake(), { signal })
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
    this.#rouse()
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
   *
   * `begin` is called for each attempt and says with which variables: as the cursor moves on, these do. It may ask
   * for a snapshot first. `take` gets the value of the only field.
   */
  follow(query, begin, take) {
    let isStopped = false
    let dispose = () => {}
    const once = async () => {
      await this.#session.token() // without one there is no use in connecting
      const variables = await begin()
      if (isStopped) return []
      return new Promise(resolve => {
        dispose = this.#client.subscribe(
          { query, variables },
          {
            next: answer => {
              if (answer.errors) return resolve(answer.errors)
              this.#failures = 0
              if (!isStopped) take(Object.values(answer.data)[0])
            },
            error: error => resolve(Array.isArray(error) ? error : []),
            complete: () => resolve([]),
          },
        )
      }).finally(dispose)
    }
    const run = async () => {
      while (!isStopped && !this.#ended.signal.aborted) {
        const errors = this.#session.isCut ? [] : await once().catch(codesOf)
        const codes = errors.map(each => each.extensions?.code)
        if (codes.some(code => FINAL.has(code))) return
        if (codes.includes('UNAUTHENTICATED')) this.#session.renew()
        await this.pause()
      }
    }
    run()
    return () => {
      isStopped = true
      dispose()
    }
  }

  /** Hang up for good. */
  end() {
    this.#ended.abort()
    this.#client.dispose()
    this.wake()
  }

  #rouse() {
    for (const wake of this.#wakers) wake()
    this.#wakers.clear()
  }

  #become(state) {
    if (this.state === state || this.#ended.signal.aborted) return
    this.state = state
    this.dispatchEvent(new Event('change'))
  }
}

/** What kept a stream from beginning: the network, which is tried again, or a refusal. */
function codesOf(error) {
  if (error instanceof Refused) return [{ extensions: { code: error.code } }]
  return []
}
