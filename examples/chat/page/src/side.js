// What both sides have: somebody who is signed in, their line, their outbox, and the conversations that they see.
import { NOTE, SEND, START } from './documents.js'
import { Line } from './line.js'
import { Outbox } from './outbox.js'
import { Talk } from './talk.js'

export class Side extends EventTarget {
  /** Conversations by their ids, as a list shows them. */
  rows = new Map()
  /** The one that is open. */
  talk = null
  /** What was begun to be written, by conversation. */
  drafts = new Map()
  cursor = null

  /** `name`: `shopper` or `agent`. */
  constructor(name, session) {
    super()
    const { customer, staffMember } = session.viewer
    this.name = name
    this.session = session
    this.me = customer ? { ...customer, kind: 'Customer' } : { ...staffMember, kind: 'StaffMember' }
    this.line = new Line(session)
    this.outbox = new Outbox(this.me.id, this.line, entry => this.#deliver(entry))
    this.outbox.addEventListener('change', () => this.tell())
    this.line.addEventListener('change', () => this.tell())
  }

  /** Follow everything that this side may see. Then what an earlier run of the page left behind is sent. */
  start({ query, snapshot, take = () => {} }) {
    const begin = async () => {
      if (this.cursor === null) this.cursor = await snapshot()
      return { after: this.cursor }
    }
    this.line.follow(query, begin, item => {
      if (item.__typename === 'ResyncRequired') {
        this.cursor = null
        return
      }
      if (item.conversation) this.takeRow(item.conversation)
      take(item)
      this.cursor = item.cursor
      this.tell()
    })
    this.outbox.run()
  }

  end() {
    this.talk?.stop()
    this.outbox.end()
    this.line.end()
  }

  /** Open a conversation, or none. */
  open(id, row = this.rows.get(id) ?? null) {
    this.talk?.stop()
    this.talk = id === null ? null : new Talk(this, id, row)
    this.talk?.addEventListener('change', () => this.tell())
    this.talk?.start()
    this.tell()
  }

  /** Write something into the open conversation. */
  say(text, { kind = 'message', ...more } = {}) {
    // A reply says what its author had in sight; a shopper's message is welcome whatever was said meanwhile.
    const guard = this.name === 'agent' && kind === 'message' ? { expectedLastSeq: this.talk.lastSeq } : {}
    return this.outbox.add({ conversationId: this.talk.id, text, kind, ...guard, ...more })
  }

  /** Send what was refused because something was missed, now that its author has seen that. */
  sendAllTheSame({ id, problem }) {
    const seen = Math.max(this.talk.lastSeq, ...problem.missed.map(thing => thing.seq))
    this.outbox.change(id, { problem: null, expectedLastSeq: seen })
  }

  /** Take what is newer of a conversation. */
  takeRow(row) {
    const known = this.rows.get(row.id)
    if (known && row.version < known.version) return
    this.rows.set(row.id, { ...known, ...row })
    if (this.talk?.id === row.id) this.talk.takeRow(row)
    this.tell()
  }

  /**
   * Something stands in a conversation: if it is what waits in the outbox, that has arrived. Both the answer and the
   * stream tell so, whichever comes first.
   */
  settle(thing, conversationId) {
    const entry = thing.author?.id === this.me.id && thing.clientMessageId ? this.outbox.get(thing.clientMessageId) : null
    if (entry) this.#arrived(entry, thing, conversationId)
  }

  /** `conversationId`: where it stands. That is another one than it was written in for the first of all, and for a follow-up. */
  #arrived(entry, thing, conversationId) {
    for (const other of this.outbox.entries()) {
      if (other.id === entry.id || other.conversationId !== entry.conversationId) continue
      // What stands behind one's own words was written with them in sight.
      const isNext = entry.kind === 'message' || thing.seq === other.expectedLastSeq + 1
      const isBehind = isNext && other.expectedLastSeq < thing.seq
      this.outbox.change(other.id, { conversationId, ...(isBehind && { expectedLastSeq: thing.seq }) })
    }
    const isShown = this.talk?.id === entry.conversationId
    if (isShown && conversationId !== entry.conversationId) this.open(conversationId)
    if (isShown && entry.expectedLastSeq !== undefined) this.talk.heardNothing(entry.expectedLastSeq, thing.seq)
    if (this.talk?.id === conversationId) this.talk.takeThing(thing)
    this.outbox.remove(entry.id)
  }

  async #deliver({ id, conversationId, kind, text, expectedLastSeq, start }) {
    const said = { text, clientMessageId: id }
    const [thing, place] = conversationId.startsWith('new:')
      ? await this.#begin({ ...start, ...said })
      : await this.#add(kind, { conversationId, ...said, ...(kind === 'message' && { expectedLastSeq }) })
    const entry = this.outbox.get(id)
    if (entry) this.#arrived(entry, thing, place)
  }

  async #begin(input) {
    const { conversation } = await this.session.write(START, input)
    const { interactions, ...row } = conversation
    this.takeRow(row)
    return [interactions.nodes[0], row.id]
  }

  async #add(kind, input) {
    const { message, note } = await this.session.write(kind === 'note' ? NOTE : SEND, input).catch(error => {
      // What was missed is shown where it stands, before its author is asked what to do.
      for (const thing of error.missed ?? []) if (this.talk?.id === input.conversationId) this.talk.takeThing(thing)
      throw error
    })
    return message ? [message, message.conversation.id] : [note, input.conversationId]
  }

  tell() {
    this.dispatchEvent(new Event('change'))
  }
}
