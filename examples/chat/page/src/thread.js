// How a conversation looks: what was said, who writes, and where one writes oneself. Both sides use it.
import { fill, h, icon, ICONS, say, show, soon } from './dom.js'
import { Problem } from './problem.js'
import { dayOf, initialsOf, nameOf, STATUSES, timeOf } from './words.js'

const AT_THE_END_PX = 60
const TOGETHER_MS = 5 * 60_000
const TEXT_LENGTH_MAX = 10_000

const FATES = {
  waiting: ['clock', 'Waiting to be sent'],
  failed: ['alert', 'Not sent'],
  sent: ['sent', 'Sent'],
  delivered: ['twice', 'Delivered'],
  read: ['twice', 'Read'],
}

const DEEDS = {
  OPEN: 'took it up',
  PENDING: 'waits for the customer',
  SNOOZED: 'put it to sleep',
  RESOLVED: 'resolved it',
  CLOSED: 'closed it',
  SPAM: 'marked it as spam',
}

/** The log of a conversation, the line that says who writes, and the field in which one does. */
export class Thread {
  #side
  #talk
  #isAtEnd = true
  #seen = 0
  #kind = 'message'
  #problem
  #placeholders
  #refresh = soon(() => this.#draw())
  #ended = new AbortController()

  /** `placeholders`: what the empty field says, for each kind of what may be written: messages, and notes at the desk. */
  constructor(side, { placeholders, empty = '' }) {
    this.#side = side
    this.#talk = side.talk
    this.#placeholders = placeholders
    this.#problem = new Problem(side)
    this.#make(Object.keys(placeholders), empty)
    const { signal } = this.#ended
    side.addEventListener('change', this.#refresh, { signal })
    document.addEventListener('visibilitychange', this.#refresh, { signal })
    addEventListener('focus', this.#refresh, { signal })
    this.#draw()
  }

  end() {
    this.#ended.abort()
    this.#talk.typing(false)
  }

  focus() {
    this.field.focus({ preventScroll: true })
  }

  #make(kinds, empty) {
    this.earlier = h('button', { class: 'quiet earlier', type: 'button', onclick: () => this.#showEarlier() }, 'Earlier messages')
    this.list = h('div', { class: 'said-list', role: 'log', 'aria-label': 'Messages', 'aria-live': 'polite' })
    this.empty = h('p', { class: 'hint empty' }, empty)
    this.scroller = h('div', { class: 'scroller', tabIndex: 0, onscroll: () => this.#scrolled() }, this.earlier, this.empty, this.list)
    this.newer = h('button', { class: 'newer', type: 'button', hidden: true, onclick: () => this.#toEnd('smooth') }, 'New messages')
    this.typists = h('p', { class: 'typists', 'aria-live': 'polite' })
    this.field = h('textarea', {
      rows: 1,
      maxLength: TEXT_LENGTH_MAX,
      value: this.#side.drafts.get(this.#talk.id) ?? '',
      oninput: () => this.#wrote(),
      onkeydown: event => this.#pressed(event),
    })
    const button = h('button', { class: 'send', type: 'submit', 'aria-label': 'Send', title: 'Send' }, icon(ICONS.send))
    const form = h('form', { class: 'composer', onsubmit: event => this.#submitted(event) }, this.field, button)
    this.kinds = kinds.length > 1 && this.#makeKinds(kinds)
    this.element = h('div', { class: 'thread' }, this.scroller, this.newer, this.typists, this.#problem.element, this.kinds, form)
    this.form = form
  }

  #makeKinds(kinds) {
    const words = { message: 'Reply', note: 'Note' }
    const choose = kind => () => {
      this.#kind = kind
      this.#draw()
      this.focus()
    }
    const buttons = kinds.map(kind => h('button', { type: 'button', name: kind, onclick: choose(kind) }, words[kind]))
    return h('div', { class: 'kinds', role: 'group', 'aria-label': 'What is written' }, buttons)
  }

  #draw() {
    if (this.#ended.signal.aborted) return
    const talk = this.#talk
    const rows = this.#rows()
    this.earlier.hidden = talk.earlier === null
    this.empty.hidden = rows.length > 0 || !talk.isOpen
    this.element.classList.toggle('opening', !talk.isOpen && rows.length === 0)
    fill(this.list, rows, { key: row => row.key, make: row => this.#makeRow(row), update: updateRow })
    say(this.typists, this.#whoTypes())
    this.field.placeholder = this.#placeholders[this.#kind]
    this.field.setAttribute('aria-label', this.field.placeholder)
    this.form.classList.toggle('for-note', this.#kind === 'note')
    for (const each of this.kinds ? this.kinds.children : []) each.ariaPressed = String(each.name === this.#kind)
    this.#problem.draw(this.#waiting().find(entry => entry.problem) ?? null, this.field)
    this.#follow(rows.length)
  }

  /** Everything that is shown, the oldest first: days, what stands in the conversation, what waits to be sent. */
  #rows() {
    const { me } = this.#side
    const things = [...this.#talk.things.values()].sort((a, b) => a.seq - b.seq)
    const lastOfStaff = things.findLast(thing => thing.__typename === 'Message' && thing.author?.__typename !== 'Customer')?.seq ?? 0
    const readSeq = Math.max(this.#talk.seenSeq, lastOfStaff)
    const said = things.map(thing => {
      const isOwn = thing.author?.id === me.id
      return {
        key: (isOwn && thing.clientMessageId) || thing.id,
        kind: thing.__typename,
        isOwn,
        isOurs: isOwn || thing.author?.__typename === me.kind,
        author: thing.author,
        at: thing.occurredAt,
        text: thing.text ?? this.#statusLine(thing),
        fate: isOwn && thing.__typename === 'Message' ? fateOf(thing, readSeq) : null,
      }
    })
    const waiting = this.#waiting().map(entry => ({
      key: entry.id,
      kind: entry.kind === 'note' ? 'Note' : 'Message',
      isOwn: true,
      isOurs: true,
      author: me,
      at: entry.writtenAt,
      text: entry.text,
      fate: entry.problem ? 'failed' : 'waiting',
    }))
    return withDays([...said, ...waiting])
  }

  /** What waits, but for what the stream has shown already: notes come without the id that their author gave them. */
  #waiting() {
    const things = [...this.#talk.things.values()].filter(thing => thing.author?.id === this.#side.me.id)
    const isThere = entry =>
      things.some(
        thing =>
          thing.clientMessageId === entry.id ||
          (entry.kind === 'note' && thing.text === entry.text && Date.parse(thing.occurredAt) > entry.writtenAt - 1_000),
      )
    return this.#side.outbox.entries().filter(entry => entry.conversationId === this.#talk.id && !isThere(entry))
  }

  #statusLine({ status, previousStatus, author }) {
    if (this.#side.name === 'agent') {
      const who = author?.id === this.#side.me.id ? 'You' : (author?.displayName ?? 'Sportello')
      return `${who} ${status === 'OPEN' && previousStatus !== 'NEW' ? 'opened it again' : DEEDS[status]}`
    }
    if (status === 'OPEN' && previousStatus === 'NEW') return `${author?.displayName ?? 'Somebody'} has joined`
    const lines = {
      OPEN: 'Open again',
      PENDING: 'Waiting for you',
      RESOLVED: 'Marked as resolved. If it is not, just write.',
      CLOSED: 'Closed. What you write now begins a new conversation.',
    }
    return lines[status] ?? STATUSES[status]
  }

  #makeRow(row) {
    if (row.kind === 'day') return h('p', { class: 'day' }, row.text)
    if (row.kind === 'StatusChange') return h('p', { class: 'event' }, row.text, ' ', h('time', {}, timeOf(row.at)))
    const who = row.isOwn ? 'You' : (row.author?.displayName ?? nameOf(null, this.#talk.row?.contact))
    const isNote = row.kind === 'Note'
    const label = isNote
      ? h('span', { class: 'label' }, icon(ICONS.note), `${row.isOwn ? 'Your note' : `A note by ${who}`}, for the team only`)
      : h('span', { class: row.isOwn ? 'unseen' : 'who' }, who)
    return h(
      'div',
      { class: `said ${row.isOurs ? 'ours' : 'theirs'}${isNote ? ' note' : ''}` },
      row.isOurs ? null : h('span', { class: 'avatar', 'aria-hidden': 'true' }, initialsOf(who)),
      h('div', { class: 'bubble' }, label, h('p', { class: 'text', dir: 'auto' }, row.text)),
      h('p', { class: 'fate' }, h('time', {}, timeOf(row.at)), ' ', h('span', { class: 'mark' })),
    )
  }

  #whoTypes() {
    const names = [...this.#talk.typists.values()].map(({ author }) => author.displayName)
    if (names.length === 0) return ''
    return names.length === 1 ? `${names[0]} is writing…` : `${names.join(' and ')} are writing…`
  }

  /** Stay at the end, or say that there is something new; what is in sight is read. */
  #follow(count) {
    if (this.#isAtEnd) this.#toEnd('instant')
    else if (count > this.#seen && this.#seen > 0) this.newer.hidden = false
    this.#seen = count
    const isInSight = this.#isAtEnd && !document.hidden && this.element.checkVisibility()
    if (isInSight) this.#talk.read()
  }

  #toEnd(behavior) {
    this.scroller.scrollTo({ top: this.scroller.scrollHeight, behavior })
    this.newer.hidden = true
  }

  #scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller
    this.#isAtEnd = scrollHeight - scrollTop - clientHeight < AT_THE_END_PX
    if (this.#isAtEnd) {
      this.newer.hidden = true
      this.#refresh()
    }
  }

  async #showEarlier() {
    const { scrollHeight } = this.scroller
    this.#isAtEnd = false
    await this.#talk.showEarlier().catch(() => {})
    this.#seen = 0
    this.#draw()
    this.scroller.scrollTop += this.scroller.scrollHeight - scrollHeight
  }

  #wrote() {
    this.#side.drafts.set(this.#talk.id, this.field.value)
    this.#talk.typing(this.field.value.trim() !== '', this.#kind === 'note')
  }

  #pressed(event) {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
    event.preventDefault()
    this.form.requestSubmit()
  }

  #submitted(event) {
    event.preventDefault()
    const text = this.field.value.trim()
    if (!text) return
    this.field.value = ''
    this.#side.drafts.delete(this.#talk.id)
    this.#isAtEnd = true
    this.#talk.typing(false)
    this.#side.say(text, { kind: this.#kind, ...(this.#talk.isNew && { start: this.#talk.row.start }) })
  }
}

function fateOf({ delivery, seq }, readSeq) {
  if (delivery === 'RECEIVED') return seq <= readSeq ? 'read' : 'sent'
  return { READ: 'read', DELIVERED: 'delivered', FAILED: 'failed' }[delivery] ?? 'sent'
}

/** Put the days between, and let what one person says in one go stand together. */
function withDays(rows) {
  const all = []
  let before = null
  for (const row of rows) {
    const day = dayOf(row.at)
    if (day !== before?.day) all.push({ key: `day ${day}`, kind: 'day', text: day })
    const isNear = before && day === before.day && new Date(row.at) - new Date(before.at) < TOGETHER_MS
    row.isNext = Boolean(isNear && row.kind === before.kind && row.author?.id === before.author?.id)
    if (before && row.isNext) before.isBefore = true
    before = Object.assign(row, { day })
    all.push(row)
  }
  return all
}

function updateRow(element, row) {
  if (row.kind === 'day' || row.kind === 'StatusChange') return
  element.classList.toggle('next', row.isNext)
  element.classList.toggle('before', Boolean(row.isBefore))
  const mark = element.querySelector('.mark')
  if (mark.dataset.fate === (row.fate ?? undefined)) return
  if (row.fate === null) return
  const [drawing, words] = FATES[row.fate]
  mark.dataset.fate = row.fate
  element.dataset.fate = row.fate
  show(mark, icon(ICONS[drawing]), h('span', { class: 'unseen' }, words))
  mark.title = words
  say(element.querySelector('time'), timeOf(row.at))
}

