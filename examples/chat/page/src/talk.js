// One conversation, as one side knows it: read as a whole together with a cursor, then followed behind that cursor.
import { FOLLOW, OPEN, READ, TYPING, TYPISTS, VIEWERS } from './documents.js'

const TYPING_AGAIN_MS = 3_000
const TYPING_LASTS_MS = 6_500

export class Talk extends EventTarget {
  /** What stands in it, by number. */
  things = new Map()
  row = null
  /** Where the first page begins, if there is something before it. */
  earlier = null
  /** Names of those who write at this moment, and of those who look on. */
  typists = new Map()
  viewers = []
  /** How far the other side has read, as far as this page has heard. */
  seenSeq = 0
  #side
  #cursor = null
  #stops = []
  #readSeq = 0
  #typedAt = 0
  #sureSeq = 0

  constructor(side, id, row = null) {
    super()
    this.#side = side
    this.id = id
    this.row = row
  }

  /** A conversation that was begun here, and that the server does not know yet. */
  get isNew() {
    return this.id.startsWith('new:')
  }

  get isOpen() {
    return this.isNew || this.#cursor !== null
  }

  /** The newest number that is shown here without a hole: what is written now is written with that in sight. */
  get lastSeq() {
    if (this.things.size === 0) return 0
    let seq = Math.min(...this.things.keys())
    while (this.things.has(seq + 1)) seq += 1
    return Math.max(seq, this.#sureSeq)
  }

  /** Take note that nobody else said anything from one number to another: the server let a guarded reply through. */
  heardNothing(from, to) {
    if (from <= this.lastSeq) this.#sureSeq = Math.max(this.#sureSeq, to)
  }

  start() {
    if (this.isNew) return
    const { line, name } = this.#side
    const begin = async () => {
      if (this.#cursor === null) await this.#open()
      return { id: this.id, after: this.#cursor }
    }
    const momentary = async () => {
      this.typists.clear()
      return { id: this.id }
    }
    this.#stops.push(
      line.follow(FOLLOW[name], begin, item => this.#take(item)),
      line.follow(TYPISTS, momentary, state => this.#takeTypist(state)),
    )
    if (name === 'agent') this.#stops.push(line.follow(VIEWERS, momentary, item => this.#takeViewers(item)))
  }

  stop() {
    for (const stop of this.#stops.splice(0)) stop()
  }

  /** Read what stands before the first that is shown. */
  async showEarlier() {
    const found = await this.#side.session.ask(OPEN[this.#side.name], { id: this.id, before: this.earlier })
    this.#keepPage(found.conversation.interactions)
    this.#tell()
  }

  /** Say that the user has seen everything that is shown. */
  async read() {
    const seq = this.lastSeq
    if (this.isNew || seq <= this.#readSeq || !this.row?.unreadCount) return
    const before = this.#readSeq
    this.#readSeq = seq
    try {
      const { conversation } = await this.#side.session.write(READ, { conversationId: this.id, seq })
      this.#side.takeRow({ ...this.row, ...conversation })
    } catch {
      this.#readSeq = before // told again with the next thing that is read
    }
  }

  /** Say that the user writes, or does so no more. Momentary: where it gets lost, nothing is. */
  async typing(isTyping, isNote = false) {
    const isKnown = isTyping ? Date.now() - this.#typedAt < TYPING_AGAIN_MS : this.#typedAt === 0
    if (this.isNew || isKnown) return
    this.#typedAt = isTyping ? Date.now() : 0
    await this.#side.session.write(TYPING, { conversationId: this.id, isTyping, isNote }).catch(() => {})
  }

  /** Take what is newer of the conversation itself. */
  takeRow(row) {
    if (this.row && row.version < this.row.version) return
    this.row = { ...this.row, ...row }
    this.#tell()
  }

  /** Take something that stands in it, from the stream or as the answer to what was sent. */
  takeThing(thing) {
    this.things.set(thing.seq, thing)
    if (thing.author?.id !== this.#side.me.id) this.typists.delete(thing.author?.id)
    this.#tell()
  }

  async #open() {
    const { eventCursor, conversation } = await this.#side.session.ask(OPEN[this.#side.name], { id: this.id })
    this.things.clear()
    this.#keepPage(conversation.interactions)
    this.#side.takeRow(conversation)
    this.takeRow(conversation)
    for (const thing of this.things.values()) this.#side.settle(thing, this.id)
    this.#cursor = eventCursor
    this.#tell()
  }

  #keepPage({ nodes, pageInfo }) {
    for (const thing of nodes) this.things.set(thing.seq, thing)
    this.earlier = pageInfo.hasPreviousPage ? pageInfo.startCursor : null
  }

  /** Take an event, and then its place: together, so that none is skipped or taken for another. */
  #take(item) {
    if (item.__typename === 'ResyncRequired') {
      this.#cursor = null // read anew; what waits to be sent stays
      return
    }
    if (item.conversation) this.#side.takeRow(item.conversation)
    if (item.interaction) {
      this.#side.settle(item.interaction, this.id)
      this.takeThing(item.interaction)
    }
    if (item.reader && item.reader.__typename !== this.#side.me.kind) this.seenSeq = Math.max(this.seenSeq, item.seq)
    this.#cursor = item.cursor
    this.#tell()
  }

  #takeTypist({ author, isTyping }) {
    clearTimeout(this.typists.get(author.id)?.timer)
    if (isTyping) {
      const timer = setTimeout(() => this.#takeTypist({ author, isTyping: false }), TYPING_LASTS_MS)
      this.typists.set(author.id, { author, timer })
    } else this.typists.delete(author.id)
    this.#tell()
  }

  #takeViewers({ viewers }) {
    this.viewers = viewers
    this.#tell()
  }

  #tell() {
    this.dispatchEvent(new Event('change'))
  }
}
