// What could not be sent and waits for its author: they read why, and decide.
import { h, show } from './dom.js'

const STALE = 'STALE_CONVERSATION'

export class Problem {
  #side
  #shown = null

  constructor(side) {
    this.#side = side
    this.element = h('section', { class: 'problem', role: 'alert', hidden: true })
  }

  /** Show why an entry of the outbox was not sent, or nothing. `field`: where its text goes back to. */
  draw(entry, field) {
    const now = entry && JSON.stringify([entry.id, entry.problem])
    if (now === this.#shown) return
    this.#shown = now
    this.element.hidden = entry === null
    show(this.element, entry === null ? [] : this.#words(entry, field))
  }

  #words(entry, field) {
    const { outbox } = this.#side
    const { code, message, missed } = entry.problem
    const again = code === STALE
      ? h('button', { type: 'button', class: 'main', onclick: () => this.#side.sendAllTheSame(entry) }, 'Send all the same')
      : h('button', { type: 'button', class: 'main', onclick: () => outbox.change(entry.id, { problem: null }) }, 'Try again')
    const edit = () => {
      field.value = [entry.text, field.value].filter(Boolean).join('\n')
      field.dispatchEvent(new Event('input'))
      field.focus()
      outbox.remove(entry.id)
    }
    return [
      h('h3', {}, code === STALE ? 'Something happened before this was sent' : 'This was not sent'),
      h('blockquote', { class: 'unsent' }, entry.text),
      code === STALE ? missedList(missed) : h('p', {}, message),
      h(
        'div',
        { class: 'buttons' },
        again,
        h('button', { type: 'button', onclick: edit }, 'Change it'),
        h('button', { type: 'button', class: 'quiet', onclick: () => outbox.remove(entry.id) }, 'Discard'),
      ),
    ]
  }
}

/** What its author had not seen, in short; the conversation above shows it whole. */
function missedList(missed) {
  const words = thing => {
    const who = thing.author?.displayName ?? 'Somebody'
    if (thing.__typename === 'StatusChange') return `${who} made it ${thing.status.toLowerCase()}`
    return `${who}${thing.__typename === 'Note' ? ' noted' : ''}: ${thing.text}`
  }
  const others = missed.length > 4 ? h('li', {}, `and ${missed.length - 4} more`) : null
  return h('ul', { class: 'missed', 'aria-label': 'What you missed' }, missed.slice(-4).map(thing => h('li', {}, words(thing))), others)
}
