// The shopper's side: their page in the shop, and the chat window over it.
import { OWN_EVENTS, SHOP } from './documents.js'
import { fill, h, icon, ICONS, later, say, show, soon } from './dom.js'
import { makeEntrance } from './entrance.js'
import { Side } from './side.js'
import { makeStrip } from './strip.js'
import { Thread } from './thread.js'
import { amountOf, dateOf, initialsOf, inWords, lately, linesOf, STATUSES } from './words.js'

const REREAD_MS = 400

export class Shopper {
  #side
  #me = null
  #channelId = null
  #isWindowOpen = true
  #thread = null
  #threadOf = null
  #adopt
  #reread = later(() => this.#snapshot().catch(() => {}), REREAD_MS)

  /** `leave`: signs out. `adopt`: {logins, enter}, with which a guest becomes somebody. */
  constructor(session, { leave, adopt }) {
    this.#side = new Side('shopper', session)
    this.#adopt = adopt
    this.#make(leave)
    this.#side.addEventListener('change', soon(() => this.#draw()))
    this.#side.start({
      query: OWN_EVENTS,
      snapshot: () => this.#snapshot(),
      take: item => item.conversation ?? this.#reread(),
    })
  }

  end() {
    this.#thread?.end()
    this.#side.end()
  }

  async #snapshot() {
    const { eventCursor, me, channels } = await this.#side.session.ask(SHOP)
    const isFirst = this.#me === null
    this.#me = me
    this.#channelId = channels.find(channel => channel.kind === 'WEB_CHAT')?.id ?? null
    this.#side.rows.clear()
    for (const row of me.conversations.nodes) this.#side.rows.set(row.id, row)
    if (isFirst) this.#openLatest()
    this.#drawShop()
    this.#side.tell()
    return eventCursor
  }

  /** Where they were; what waits to be sent counts as being somewhere. */
  #openLatest() {
    const waiting = this.#side.outbox.entries().at(-1)
    const latest = this.#me.conversations.nodes.find(row => row.channel.kind === 'WEB_CHAT')
    if (waiting) this.#side.open(waiting.conversationId, this.#side.rows.get(waiting.conversationId) ?? { start: waiting.start })
    else if (latest && latest.status !== 'CLOSED') this.#side.open(latest.id)
    else if (this.#channelId) this.#begin()
  }

  /** Begin a conversation: the server hears of it with its first message. */
  #begin(order = null) {
    const start = { channelId: this.#channelId, ...(order && { orderId: order.id, subject: `Order ${order.number}` }) }
    this.#isWindowOpen = true
    this.#side.open(`new:${crypto.randomUUID()}`, { subject: start.subject ?? null, order, start })
    this.#draw()
    this.#thread.focus()
  }

  #make(leave) {
    const strip = makeStrip(this.#side, { title: 'Shopper', onLeave: leave })
    this.shop = h('div', { class: 'shop' })
    this.heading = h('div', { class: 'window-title' })
    this.back = h('button', { class: 'plain-icon', type: 'button', 'aria-label': 'All conversations', onclick: () => this.#side.open(null) }, icon(ICONS.back))
    const close = h('button', { class: 'plain-icon', type: 'button', 'aria-label': 'Close the chat', onclick: () => this.#toggle() }, icon(ICONS.close))
    this.list = h('div', { class: 'own-list' })
    this.fresh = h('button', { class: 'main', type: 'button', onclick: () => this.#begin() }, 'New conversation')
    this.home = h('div', { class: 'own-home' }, this.list, this.fresh)
    this.place = h('div', { class: 'place' })
    this.window = h('section', { class: 'window', 'aria-label': 'Chat with the shop' }, h('header', { class: 'window-head' }, this.back, this.heading, close), strip.banner, this.place)
    this.badge = h('span', { class: 'badge' })
    this.launcher = h('button', { class: 'launcher', type: 'button', 'aria-label': 'Chat', onclick: () => this.#toggle() }, icon(ICONS.chat), this.badge)
    this.element = h('div', { class: 'side shopper' }, strip.element, h('div', { class: 'backdrop' }, this.shop, this.window, this.launcher))
  }

  #toggle() {
    this.#isWindowOpen = !this.#isWindowOpen
    this.#draw()
    if (this.#isWindowOpen) this.#thread?.focus()
    else this.launcher.focus()
  }

  #draw() {
    const { talk, rows } = this.#side
    const unread = [...rows.values()].reduce((sum, row) => sum + row.unreadCount, 0)
    say(this.badge, unread ? String(unread) : '')
    this.launcher.setAttribute('aria-label', unread ? `Chat, ${unread} unread` : 'Chat')
    this.launcher.setAttribute('aria-expanded', String(this.#isWindowOpen))
    this.window.hidden = !this.#isWindowOpen
    this.back.hidden = talk === null
    show(this.heading, this.#title())
    this.#drawPlace(talk)
    this.#drawList()
    if (this.keep) this.keep.hidden = !this.#side.session.isGuest
  }

  #drawPlace(talk) {
    if (talk === this.#threadOf && this.place.firstChild) return
    const hadFocus = this.#thread && this.#thread.element.contains(document.activeElement)
    this.#thread?.end()
    this.#threadOf = talk
    this.#thread = talk && new Thread(this.#side, { placeholders: { message: 'Write a message…' }, empty: 'We are here. Ask about an order, an article, anything.' })
    show(this.place, this.#thread?.element ?? this.home)
    if (hadFocus) this.#thread?.focus()
  }

  #title() {
    const { talk } = this.#side
    if (!talk) return [h('h3', {}, 'Your conversations')]
    const { assignee, subject, status, number } = talk.row ?? {}
    const who = assignee ? `with ${assignee.displayName}` : 'We answer here'
    const state = status && !['NEW', 'OPEN'].includes(status) ? ` · ${STATUSES[status].toLowerCase()}` : ''
    const title = subject ?? (number ? `Conversation ${number}` : 'New conversation')
    return [assignee ? h('span', { class: 'avatar', 'aria-hidden': 'true' }, initialsOf(assignee.displayName)) : null, h('div', {}, h('h3', {}, title), h('p', {}, who + state))]
  }

  #drawList() {
    const rows = [...this.#side.rows.values()].sort((a, b) => (a.updatedAt < b.updatedAt ? 1 : -1))
    this.fresh.disabled = this.#channelId === null
    const empty = this.#channelId === null ? 'This shop has no web chat open at present.' : 'Nothing yet.'
    const shown = rows.length ? rows : [{ id: 'empty', empty }]
    const open = ({ id }) => () => this.#side.open(id)
    const make = row => (row.empty ? h('p', { class: 'hint' }, row.empty) : h('button', { class: 'own-row', type: 'button', onclick: open(row) }))
    const update = (element, row) => row.empty || show(element, ownRow(row))
    fill(this.list, shown, { key: row => row.id, make, update })
  }

  #drawShop() {
    const { givenName, displayName, orders } = this.#me
    const { isGuest } = this.#side.session
    const name = givenName ?? displayName
    show(
      this.shop,
      h('h2', { class: 'greeting' }, isGuest ? 'Good to see you' : `Hello, ${name}`),
      isGuest ? this.#keepCard() : h('p', { class: 'lead' }, orders.nodes.length ? 'Your last orders' : 'You have no orders yet.'),
      h('div', { class: 'cards' }, orders.nodes.map(order => this.#orderCard(order))),
    )
  }

  #orderCard(order) {
    const ask = h('button', { type: 'button', onclick: () => this.#begin(order), disabled: this.#channelId === null }, 'Ask about it')
    const facts = h('p', {}, `${dateOf(order.placedAt)} · ${amountOf(order.total)} · ${inWords(order.state)}`)
    return h('article', { class: 'card' }, h('h3', {}, `Order ${order.number}`), facts, h('p', { class: 'lines' }, linesOf(order)), ask)
  }

  /** A guest who signs in keeps the conversation. First what waits must have arrived: it was written as a guest. */
  #keepCard() {
    const { outbox } = this.#side
    const enter = async login => {
      if (outbox.entries().length) await new Promise(resolve => outbox.addEventListener('change', () => outbox.entries().length || resolve()))
      await this.#adopt.enter(login)
    }
    this.keep = makeEntrance({
      title: 'You are here as a guest',
      text: 'Sign in, and this conversation is yours: with your orders, on every device.',
      logins: this.#adopt.logins,
      enter,
    })
    return this.keep
  }
}

function ownRow({ subject, number, channel, lastMessage, updatedAt, unreadCount, status }) {
  const place = channel.kind === 'WEB_CHAT' ? 'Conversation' : channel.name
  return [
    h('strong', {}, subject ?? `${place} ${number}`),
    h('time', {}, lately(updatedAt)),
    h('span', { class: 'snippet' }, lastMessage?.text ?? ''),
    unreadCount ? h('span', { class: 'badge', 'aria-label': `${unreadCount} unread` }, String(unreadCount)) : h('span', { class: 'state' }, STATUSES[status]),
  ]
}
