// What was written and is not known to have arrived. It is stored before it is sent, under an id of its own that
// makes sending it again harmless, and it is sent from the front, so that the order stays.
import { Lost } from './session.js'

const ROOT = 'sportello/chat/outbox'

export class Outbox extends EventTarget {
  #prefix
  #deliver
  #line
  #isRunning = false
  #ended = new AbortController()

  /** `owner`: whose it is; nobody else who signs in here gets it. `deliver`: sends an entry; throws `Lost` or `Refused`. */
  constructor(owner, line, deliver) {
    super()
    this.#prefix = `${ROOT}/${owner}/`
    this.#line = line
    this.#deliver = deliver
    line.addEventListener('change', () => this.run())
    const { signal } = this.#ended
    addEventListener('storage', event => event.key?.startsWith(this.#prefix) && this.#tell(), { signal })
  }

  /** Everything in it, in the order in which it was written. */
  entries() {
    const keys = Object.keys(localStorage).filter(key => key.startsWith(this.#prefix))
    return keys.map(key => JSON.parse(localStorage.getItem(key))).sort((a, b) => a.writtenAt - b.writtenAt)
  }

  get(id) {
    return JSON.parse(localStorage.getItem(this.#prefix + id) ?? 'null')
  }

  /** Write something: `conversationId`, `text`, and what else its sending needs. */
  add(entry) {
    const last = this.entries().at(-1)?.writtenAt ?? 0
    const stored = { id: crypto.randomUUID(), writtenAt: Math.max(Date.now(), last + 1), ...entry }
    this.#put(stored)
    this.run()
    return stored
  }

  /** Change what is stored of an entry that is still there, and try it. */
  change(id, changes) {
    const entry = this.get(id)
    if (!entry) return
    this.#put({ ...entry, ...changes })
    this.run()
  }

  /** It has arrived, or is not wanted any more. */
  remove(id) {
    if (!this.get(id)) return
    localStorage.removeItem(this.#prefix + id)
    this.#tell()
    this.run()
  }

  /** Send what waits, one after the other, until nothing does. What has a problem waits for its author. */
  async run() {
    if (this.#isRunning) return
    this.#isRunning = true
    try {
      for (let entry; !this.#ended.signal.aborted && (entry = this.#front()); ) await this.#try(entry)
    } finally {
      this.#isRunning = false
    }
  }

  /** Send nothing more. What waits stays stored. */
  end() {
    this.#ended.abort()
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
      await this.#deliver(entry)
      this.remove(entry.id)
    } catch (error) {
      if (error instanceof Lost) await this.#line.pause()
      else this.change(entry.id, { problem: { code: error.code, message: error.message, missed: error.missed } })
    }
  }

  #put(entry) {
    localStorage.setItem(this.#prefix + entry.id, JSON.stringify(entry))
    this.#tell()
  }

  #tell() {
    this.dispatchEvent(new Event('change'))
  }
}
