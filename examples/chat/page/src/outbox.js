// What was written and is not known to have arrived. It is stored before it is sent, under an id of its own that
// makes sending it again harmless, and it is sent from the front, so that the order stays.
import { Lost } from './session.js'

const ROOT = 'sportello/chat/outbox'

export class Outbox extends EventTarget {
  #prefix
  #send
  #line
  #isRunning = false

  /** `owner`: whose it is; nobody else who signs in here gets it. `send`: sends an entry; throws `Lost` or `Refused`. */
  constructor(owner, line, send) {
    super()
    this.#prefix = `${ROOT}/${owner}/`
    this.#line = line
    this.#send = send
    line.addEventListener('change', () => this.run())
    addEventListener('storage', event => event.key?.startsWith(this.#prefix) && this.#tell())
  }

  /** Everything in it, in the order in which it was written. */
  entries() {
    const keys = Object.keys(localStorage).filter(key => key.startsWith(this.#prefix))
    return keys.map(key => JSON.parse(localStorage.getItem(key))).sort((a, b) => a.writtenAt - b.writtenAt)
  }

  add(entry) {
    const last = this.entries().at(-1)?.writtenAt ?? 0
    const stored = { id: crypto.randomUUID(), writtenAt: Math.max(Date.now(), last + 1), ...entry }
    this.put(stored)
    this.run()
    return stored
  }

  /** Store what is known of an entry now. */
  put(entry) {
    localStorage.setItem(this.#prefix + entry.id, JSON.stringify(entry))
    this.#tell()
  }

  /** It has arrived, or is not wanted any more. */
  remove(id) {
    if (id === null || localStorage.getItem(this.#prefix + id) === null) return
    localStorage.removeItem(this.#prefix + id)
    this.#tell()
    this.run()
  }

  /** Send what waits, one after the other, until nothing does. What has a problem waits for its author. */
  async run() {
    if (this.#isRunning) return
    this.#isRunning = true
    try {
      for (let entry; (entry = this.#front()); ) await this.#try(entry)
    } finally {
      this.#isRunning = false
    }
  }

  /** The first that can go: what stands behind a problem of the same conversation waits with it. */
  #front() {
    const blocked = new Set()
    for (const entry of this.entries()) {
      if (entry.problem) blocked.add(entry.conversationId)
      else if (!blocked.has(entry.conversationId)) return entry
    }
    return undefined
  }

  async #try(entry) {
    try {
      await this.#send(entry)
      this.remove(entry.id)
    } catch (error) {
      if (error instanceof Lost) await this.#line.pause()
      else if (localStorage.getItem(this.#prefix + entry.id) !== null) {
        this.put({ ...entry, problem: { code: error.code ?? 'FAILED', message: error.message } })
      }
    }
  }

  #tell() {
    this.dispatchEvent(new Event('change'))
  }
}
