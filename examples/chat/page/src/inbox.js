// The desk's list of conversations: which there are, how many of each sort, and which wait for whom.
import { COUNTS, DESK } from './documents.js'
import { fill, h, later, say, show } from './dom.js'
import { initialsOf, lately, nameOf, STATUSES } from './words.js'

const COUNT_MS = 300
const SEARCH_MS = 250
const UNDONE = ['NEW', 'OPEN', 'PENDING']

/** The drawers of the inbox: the filter for the server, and whether a conversation that changed belongs there. */
const drawers = me => [
  { name: 'All open', filter: { status: UNDONE }, holds: row => UNDONE.includes(row.status) },
  {
    name: 'Mine',
    filter: { status: UNDONE, assigneeId: me.id },
    holds: row => UNDONE.includes(row.status) && row.assignee?.id === me.id,
  },
  {
    name: 'Queue',
    filter: { status: UNDONE, isUnassigned: true },
    holds: row => UNDONE.includes(row.status) && !row.assignee,
  },
  { name: 'Snoozed', filter: { status: ['SNOOZED'] }, holds: row => row.status === 'SNOOZED' },
  { name: 'Done', filter: { status: ['RESOLVED', 'CLOSED'] }, holds: row => ['RESOLVED', 'CLOSED'].includes(row.status) },
]

export class Inbox {
  #side
  #drawers
  #drawer
  #found = null
  #counts = []
  #choose

  /** `choose`: opens a conversation by its id. */
  constructor(side, { choose }) {
    this.#side = side
    this.#choose = choose
    this.#drawers = drawers(side.me)
    this.#drawer = this.#drawers[0]
    this.count = later(() => this.#count().catch(() => {}), COUNT_MS)
    this.#make()
  }

  /** Read what is in the open drawer; return the cursor behind which it is followed. */
  async snapshot() {
    const filter = this.#drawer.filter
    const { eventCursor, conversations, conversationCounts } = await this.#side.session.ask(DESK, { filter, counts: this.#filters })
    for (const row of conversations.nodes) this.#side.takeRow(row)
    this.#counts = conversationCounts
    this.#side.tell()
    return eventCursor
  }

  get #filters() {
    return this.#drawers.map(drawer => drawer.filter)
  }

  async #count() {
    const { conversationCounts } = await this.#side.session.ask(COUNTS, { counts: this.#filters })
    this.#counts = conversationCounts
    this.#side.tell()
  }

  #make() {
    this.tabs = h('div', { class: 'drawers', role: 'group', 'aria-label': 'Which conversations' })
    for (const drawer of this.#drawers) {
      const button = h('button', { type: 'button', onclick: () => this.#open(drawer) }, h('span', {}, drawer.name), h('span', { class: 'count' }))
      this.tabs.append(button)
    }
    const search = later(() => this.#search(), SEARCH_MS)
    this.search = h('input', { type: 'search', placeholder: 'Search messages', 'aria-label': 'Search messages', oninput: search })
    this.list = h('div', { class: 'rows' })
    this.empty = h('p', { class: 'hint' })
    this.element = h('nav', { class: 'inbox', 'aria-label': 'Inbox' }, this.search, this.tabs, this.list, this.empty)
  }

  #open(drawer) {
    this.#drawer = drawer
    this.search.value = ''
    this.#found = null
    this.snapshot().catch(() => {}) // offline, what is known is shown; the stream brings the rest
    this.#side.tell()
  }

  async #search() {
    const text = this.search.value.trim()
    if (!text) this.#found = null
    else {
      const asked = await this.#side.session.ask(DESK, { filter: { search: text }, counts: [] }).catch(() => null)
      if (!asked || this.search.value.trim() !== text) return
      for (const row of asked.conversations.nodes) this.#side.takeRow(row)
      this.#found = asked.conversations.nodes.map(row => row.id)
    }
    this.#side.tell()
  }

  draw() {
    const { rows, talk } = this.#side
    const isHere = row => (this.#found ? this.#found.includes(row.id) : this.#drawer.holds(row))
    const shown = [...rows.values()].filter(isHere).sort((a, b) => (a.updatedAt < b.updatedAt ? 1 : -1))
    this.#drawers.forEach((drawer, index) => {
      const button = this.tabs.children[index]
      button.ariaPressed = String(drawer === this.#drawer && !this.#found)
      say(button.lastChild, String(this.#counts[index] ?? ''))
    })
    const make = row => h('button', { class: 'row', type: 'button', onclick: () => this.#choose(row.id) })
    const update = (element, row) => {
      const isOpen = row.id === talk?.id
      element.ariaCurrent = isOpen ? 'true' : null
      const now = JSON.stringify([row, lately(row.updatedAt)])
      if (element.dataset.shown === now) return
      element.dataset.shown = now
      element.classList.toggle('unread', row.unreadCount > 0)
      show(element, rowParts(row))
    }
    fill(this.list, shown, { key: row => row.id, make, update })
    say(this.empty, shown.length ? '' : this.#found ? 'No message has these words.' : 'Nothing here.')
  }
}

function rowParts(row) {
  const name = nameOf(row.customer, row.contact)
  const { lastMessage } = row
  const by = lastMessage?.author?.__typename === 'StaffMember' ? `${lastMessage.author.displayName.split(' ')[0]}: ` : ''
  return [
    h('span', { class: 'avatar', 'aria-hidden': 'true' }, initialsOf(name)),
    h('span', { class: 'row-name' }, name),
    h('time', {}, lately(row.updatedAt)),
    h('span', { class: 'snippet' }, by + (lastMessage?.text ?? row.subject ?? '')),
    h(
      'span',
      { class: 'row-facts' },
      h('span', { class: `state ${row.status.toLowerCase()}` }, STATUSES[row.status]),
      row.waitingOn === 'US' && row.status !== 'NEW' ? h('span', { class: 'state ours' }, 'Your turn') : null,
      row.assignee ? h('span', { class: 'assignee' }, row.assignee.displayName) : null,
      row.unreadCount ? h('span', { class: 'badge', 'aria-label': `${row.unreadCount} unread` }, String(row.unreadCount)) : null,
    ),
  ]
}
