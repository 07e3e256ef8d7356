// The card with which somebody comes in: by one click where the demo gives its logins away, else by e-mail and password.
import { h, icon, show } from './dom.js'
import { Refused } from './session.js'

/**
 * Make the card. `enter`: signs in and throws what it comes to. `logins`: [{label, login}] of the demo.
 * `visit`: comes in as a guest, where that can be.
 */
export function makeEntrance({ title, text, icon: drawn = null, hints = [], notice = '', logins = [], visit = null, enter }) {
  const said = h('p', { class: 'said-at-door', role: 'alert' }, notice)
  const attempt = work => async event => {
    event.preventDefault()
    const pressed = event.submitter ?? event.currentTarget
    pressed.disabled = true
    show(said)
    try {
      await work(event)
    } catch (error) {
      show(said, error instanceof Refused ? error.message : 'The server does not answer. Try again in a moment.')
    } finally {
      pressed.disabled = false
    }
  }
  const form = h(
    'form',
    { class: 'login', onsubmit: attempt(({ target }) => enter({ email: target.email.value, password: target.password.value })) },
    h('label', {}, 'E-mail', h('input', { name: 'email', type: 'email', required: true, autocomplete: 'username' })),
    h('label', {}, 'Password', h('input', { name: 'password', type: 'password', required: true, autocomplete: 'current-password' })),
    h('button', { type: 'submit', class: logins.length ? '' : 'main' }, 'Sign in'),
  )
  const buttons = logins.map(({ label, login }) =>
    h('button', { type: 'button', class: 'main', onclick: attempt(() => enter(login)) }, label, h('small', {}, login.email)),
  )
  const guest = visit && h('button', { type: 'button', onclick: attempt(visit) }, 'Chat as a guest', h('small', {}, 'without an account'))
  const other = logins.length ? h('details', {}, h('summary', {}, 'Somebody else'), form) : form
  return h(
    'div',
    { class: 'entrance' },
    drawn && h('span', { class: 'emblem' }, icon(drawn)),
    h('h2', {}, title),
    h('p', {}, text),
    said,
    buttons,
    guest,
    other,
    hints.length ? h('ol', { class: 'hints', 'aria-label': 'What to try' }, hints.map(each => h('li', {}, each))) : null,
  )
}
