// The desk's column about a customer: who they are, what they bought, everything that happened, live.
import { CUSTOMER, CUSTOMER_EVENTS } from './documents.js'
import { h, later, show } from './dom.js'
import { amountOf, counted, dateOf, initialsOf, inWords, lately, linesOf, monthOf, nameOf } from './words.js'

const REREAD_MS = 300
const KINDS = { Order: 'Order', CreditNote: 'Credit note', Consent: 'Consent', Message: 'Message' }

export class CustomerColumn {
  #side
  #shown = null
  #stop = () => {}

  constructor(side) {
    this.#side = side
    this.body = h('div', { class: 'customer-body' })
    this.element = h('aside', { class: 'customer', 'aria-label': 'Customer' }, this.body)
  }

  /** Show the customer of a conversation and follow them, or what is known of who is none; null: nobody. */
  open(row) {
    const id = row?.customer?.id ?? null
    const shown = id ?? row?.id ?? null
    if (shown === this.#shown) return
    this.#shown = shown
    this.#stop()
    show(this.body, row && !id ? stranger(row) : null)
    if (id) this.#follow(id)
  }

  #follow(id) {
    let cursor = null
    const read = async () => {
      const { eventCursor, customer } = await this.#side.session.ask(CUSTOMER, { id })
      if (id === this.#shown) this.#draw(customer)
      return eventCursor
    }
    const reread = later(() => read().catch(() => {}), REREAD_MS)
    const begin = async () => {
      cursor ??= await read()
      return { id, after: cursor }
    }
    this.#stop = this.#side.line.follow(CUSTOMER_EVENTS, begin, item => {
      cursor = item.__typename === 'ResyncRequired' ? null : item.cursor
      reread()
    })
  }

  end() {
    this.#stop()
  }

  #draw(customer) {
    if (!customer) return show(this.body, h('p', { class: 'hint' }, 'This customer was erased.'))
    const { value, orders, timeline } = customer
    const name = nameOf(customer)
    const contacts = [customer.email, customer.phone, customer.country].filter(Boolean)
    show(
      this.body,
      h('div', { class: 'customer-head' }, h('span', { class: 'avatar large', 'aria-hidden': 'true' }, initialsOf(name)), h('div', {}, h('h3', {}, name), contacts.map(each => h('p', {}, each)))),
      h('p', { class: 'chips' }, customer.lifecycleStage ? h('span', { class: 'state' }, inWords(customer.lifecycleStage)) : null, customer.tags.map(tag => h('span', { class: 'state' }, tag))),
      value ? facts(value, customer) : null,
      h('h4', {}, 'Recent orders'),
      orders.nodes.length ? orders.nodes.map(orderCard) : h('p', { class: 'hint' }, 'No orders yet.'),
      h('h4', {}, 'Timeline'),
      h('ol', { class: 'timeline' }, timeline.nodes.filter(Boolean).map(timelineItem)),
    )
  }
}

/** Whoever wrote from outside, and whom nobody recognised. */
function stranger({ contact }) {
  return [
    h('div', { class: 'customer-head' }, h('div', {}, h('h3', {}, nameOf(null, contact)), h('p', {}, contact?.value ?? ''))),
    h('p', { class: 'hint' }, 'Nobody knows this sender yet. With conversationUpdate the conversation becomes a customer’s.'),
  ]
}

function facts({ orderCount, netSpent, decile, firstOrderAt }, { createdAt }) {
  const fact = (term, what) => h('div', {}, h('dt', {}, term), h('dd', {}, what))
  return h(
    'dl',
    { class: 'facts' },
    fact('Spent', amountOf(netSpent)),
    fact('Orders', String(orderCount)),
    decile ? fact('Rank', `top ${decile * 10} %`) : null,
    fact('Since', monthOf(firstOrderAt ?? createdAt)),
  )
}

function orderCard(order) {
  return h(
    'article',
    { class: 'card small' },
    h('h5', {}, order.number, h('span', {}, amountOf(order.total))),
    h('p', {}, linesOf(order)),
    h('p', { class: 'meta' }, `${dateOf(order.placedAt)} · ${inWords(order.state)} · ${counted(order.lines.length, 'line')}`),
  )
}

function timelineItem({ __typename, occurredAt, summary }) {
  return h('li', { 'data-kind': __typename }, h('span', { class: 'kind' }, KINDS[__typename] ?? __typename), h('time', {}, lately(occurredAt)), h('p', {}, summary))
}
