// How things are said: names, times, amounts, states.

const TIME = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const DAY = new Intl.DateTimeFormat('en-GB', { weekday: 'long', day: 'numeric', month: 'long' })
const DATE = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' })
const MONTH = new Intl.DateTimeFormat('en-GB', { month: 'short', year: 'numeric' })
const SHORT = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' })
const DAY_MS = 86_400_000

export const timeOf = moment => TIME.format(new Date(moment))
export const monthOf = moment => MONTH.format(new Date(moment))
export const dateOf = moment => DATE.format(new Date(moment))

/** The day of a moment, for a line above what was said on it. */
export function dayOf(moment) {
  const day = new Date(moment)
  const days = Math.round((startOfDay(new Date()) - startOfDay(day)) / DAY_MS)
  if (days === 0) return 'Today'
  if (days === 1) return 'Yesterday'
  return days < 300 ? DAY.format(day) : DATE.format(day)
}

/** When it was, as short as a row of a list has it. */
export function lately(moment) {
  const when = new Date(moment)
  if (startOfDay(when).getTime() === startOfDay(new Date()).getTime()) return TIME.format(when)
  return Date.now() - when < 300 * DAY_MS ? SHORT.format(when) : DATE.format(when)
}

function startOfDay(moment) {
  return new Date(moment.getFullYear(), moment.getMonth(), moment.getDate())
}

export function amountOf({ amount, currencyCode }) {
  return new Intl.NumberFormat('en-GB', { style: 'currency', currency: currencyCode }).format(amount)
}

/** What somebody is called at the desk: who is no customer yet by their sign, who has come in without one a guest. */
export function nameOf(customer, contact = null) {
  if (!customer) return contact?.name ?? contact?.value ?? 'Somebody'
  return customer.externalId || customer.email || customer.displayName !== 'Customer' ? customer.displayName : 'Guest'
}

/** Two letters for a name; of a number its end, which tells it from others. */
export function initialsOf(name) {
  if (/^\d+$/.test(name)) return name.slice(-2)
  const words = name.split(/\s+/).filter(Boolean)
  return ((words[0]?.[0] ?? '?') + (words.length > 1 ? words.at(-1)[0] : '')).toUpperCase()
}

export const STATUSES = {
  NEW: 'New',
  OPEN: 'Open',
  PENDING: 'Pending',
  SNOOZED: 'Snoozed',
  RESOLVED: 'Resolved',
  CLOSED: 'Closed',
  SPAM: 'Spam',
}

/** SHIPPED as Shipped, AT_RISK as At risk. */
export function inWords(name) {
  const words = name.replaceAll('_', ' ').toLowerCase()
  return words[0].toUpperCase() + words.slice(1)
}

export const counted = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`

/** SHOUTED article names of the shop, as a sentence would have them. */
export function titleOf(title) {
  return title === title.toUpperCase() ? title[0] + title.slice(1).toLowerCase() : title
}

export function linesOf(order) {
  const [first, ...others] = order.lines
  if (!first) return ''
  const named = first.quantity > 1 ? `${first.quantity} × ${titleOf(first.title)}` : titleOf(first.title)
  return others.length ? `${named} and ${others.length} more` : named
}
