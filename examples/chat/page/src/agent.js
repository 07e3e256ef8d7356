// The agent's side: the inbox, the conversation that is open, and everything about its customer.
import { ASSIGN, INBOX_EVENTS, PRESENCE, STATUS, TEAM } from './documents.js'
import { CustomerColumn } from './customer.js'
import { h, icon, ICONS, say, show, soon } from './dom.js'
import { Inbox } from './inbox.js'
import { Lost } from './session.js'
import { Side } from './side.js'
import { makeStrip } from './strip.js'
import { Thread } from './thread.js'
import { nameOf, STATUSES } from './words.js'

const COMPLAINT_MS = 6_000

/** What an agent does with a conversation in each of its states: what the button says, and what it becomes. */
const NEXT = {
  NEW: [['Open', 'OPEN']],
  OPEN: [['Snooze', 'SNOOZED'], ['Resolve', 'RESOLVED']],
  PENDING: [['Snooze', 'SNOOZED'], ['Resolve', 'RESOLVED']],
  SNOOZED: [['Wake', 'OPEN']],
  RESOLVED: [['Open again', 'OPEN'], ['Close', 'CLOSED']],
  CLOSED: [],
  SPAM: [['No spam', 'OPEN']],
}

export class Agent {
  #side
  #inbox
  #customer
  #thread = null
  #threadOf = null
  #team = new Map()
  #presence = 'ONLINE'
  #complaining

  /** `leave`: signs out. */
  constructor(session, { leave }) {
    this.#side = new Side('agent', session)
    this.#inbox = new Inbox(this.#side, { choose: id => this.#open(id) })
    this.#customer = new CustomerColumn(this.#side)
    this.#make(leave)
    this.#side.addEventListener('change', soon(() => this.#draw()))
    this.#side.start({ query: INBOX_EVENTS, snapshot: () => this.#snapshot(), take: () => this.#inbox.count() })
    this.#side.line.addEventListener('change', () => this.#side.line.state === 'live' && this.#bePresent())
    this.#side.line.follow(TEAM, async () => this.#team.clear() ?? {}, member => this.#takeMember(member))
    this.#draw()
  }

  end() {
    this.#thread?.end()
    this.#customer.end()
    this.#side.end()
  }

  async #snapshot() {
    const cursor = await this.#inbox.snapshot()
    const [waiting] = this.#side.outbox.entries()
    if (!this.#side.talk && waiting) this.#open(waiting.conversationId)
    return cursor
  }

  #make(leave) {
    this.presence = h(
      'select',
      { 'aria-label': 'Your presence', class: 'presence', onchange: () => this.#choosePresence() },
      ['ONLINE', 'BUSY', 'AWAY'].map(state => h('option', { value: state }, state[0] + state.slice(1).toLowerCase())),
    )
    this.team = h('p', { class: 'team' })
    const strip = makeStrip(this.#side, { title: 'Agent', onLeave: leave, more: [this.presence] })
    this.back = h('button', { class: 'plain-icon to-inbox', type: 'button', 'aria-label': 'Inbox', onclick: () => this.#open(null) }, icon(ICONS.back))
    this.heading = h('div', { class: 'talk-title' })
    this.viewers = h('p', { class: 'viewers', role: 'status' })
    this.actions = h('div', { class: 'actions' })
    this.details = h('button', { class: 'plain-icon to-details', type: 'button', 'aria-label': 'Customer', 'aria-expanded': 'false', onclick: () => this.#toggleDetails() }, icon(ICONS.person))
    this.head = h('header', { class: 'talk-head' }, this.back, this.heading, this.actions, this.details)
    this.complaint = h('p', { class: 'complaint', role: 'alert' })
    this.place = h('div', { class: 'place' })
    this.talk = h('section', { class: 'talk', 'aria-label': 'Conversation' }, this.head, this.viewers, this.complaint, this.place)
    this.desk = h('div', { class: 'desk' }, h('div', { class: 'desk-list' }, this.#inbox.element, this.team), this.talk, this.#customer.element)
    this.element = h('div', { class: 'side agent' }, strip.element, strip.banner, this.desk)
  }

  #open(id) {
    this.#side.open(id)
    this.#thread?.focus()
  }

  #toggleDetails() {
    const isOpen = this.desk.classList.toggle('with-details')
    this.details.setAttribute('aria-expanded', String(isOpen))
  }

  #draw() {
    const { talk } = this.#side
    this.#inbox.draw()
    this.desk.classList.toggle('with-talk', talk !== null)
    this.head.hidden = talk === null
    this.#drawPlace(talk)
    if (talk?.row) this.#drawHead(talk.row)
    const names = (talk?.viewers ?? []).map(viewer => viewer.displayName)
    say(this.viewers, names.length ? `${names.join(', ')} ${names.length === 1 ? 'is' : 'are'} looking at this too` : '')
    this.#customer.open(talk?.row ?? null)
    this.#drawTeam()
  }

  #drawPlace(talk) {
    if (talk === this.#threadOf && this.place.firstChild) return
    this.#thread?.end()
    this.#threadOf = talk
    this.#thread = talk && new Thread(this.#side, { placeholders: { message: 'Write to the customer…', note: 'Write a note for the team…' } })
    show(this.place, this.#thread?.element ?? h('p', { class: 'hint nothing' }, 'Choose a conversation.'))
  }

  #drawHead(row) {
    const now = JSON.stringify(row)
    if (this.head.dataset.shown === now) return
    this.head.dataset.shown = now
    const subject = [row.subject, `#${row.number}`, row.channel?.name].filter(Boolean).join(' · ')
    show(
      this.heading,
      h('h3', {}, nameOf(row.customer, row.contact), h('span', { class: `state ${row.status.toLowerCase()}` }, STATUSES[row.status])),
      h('p', {}, subject),
    )
    const isMine = row.assignee?.id === this.#side.me.id
    const button = (words, work, kind = '') => h('button', { type: 'button', class: kind, onclick: () => this.#do(work) }, words)
    const { id: conversationId, version: expectedVersion } = row
    const give = assigneeId => () => this.#side.session.write(ASSIGN, { conversationId, assigneeId, expectedVersion })
    const become = status => () => this.#side.session.write(STATUS, { conversationId, status, expectedVersion })
    show(
      this.actions,
      row.assignee && !isMine ? h('span', { class: 'assignee' }, row.assignee.displayName) : null,
      isMine ? button('Release', give(null), 'quiet') : button('Take it', give(this.#side.me.id)),
      NEXT[row.status].map(([words, status]) => button(words, become(status), status === 'RESOLVED' ? 'main' : '')),
    )
  }

  /** Do something with the conversation that somebody else may have changed meanwhile. */
  async #do(work) {
    try {
      const { conversation } = await work()
      this.#side.takeRow(conversation)
      this.#complain('')
    } catch (error) {
      this.#complain(error instanceof Lost ? 'This was not done: there is no connection. Try again when it is back.' : error.message)
    }
  }

  #complain(text) {
    clearTimeout(this.#complaining)
    say(this.complaint, text)
    this.#complaining = setTimeout(() => say(this.complaint, ''), COMPLAINT_MS)
  }

  #choosePresence() {
    this.#presence = this.presence.value
    this.#bePresent()
  }

  /** Say that one is there. Nobody remembers it: it is said again on each new line. */
  #bePresent() {
    this.#side.session.write(PRESENCE, { presence: this.#presence }).catch(() => {})
  }

  #takeMember(member) {
    this.#team.set(member.id, member)
    this.#side.tell()
  }

  #drawTeam() {
    const others = [...this.#team.values()].filter(({ id, presence }) => id !== this.#side.me.id && presence !== 'OFFLINE')
    const member = ({ displayName, presence }) => h('span', { class: `member ${presence.toLowerCase()}`, title: presence.toLowerCase() }, displayName)
    const now = JSON.stringify(others)
    if (this.team.dataset.shown === now) return
    this.team.dataset.shown = now
    show(this.team, others.length ? ['Also here: ', others.map(member)] : [])
  }
}
