// The strip above each side: who sits there, how the line is, and the switch with which one cuts it.
import { h, icon, ICONS, say, show, soon } from './dom.js'
import { counted } from './words.js'

const REJOICE_MS = 4_000

/** `title`: what the side is. `onLeave`: what signing out comes to. `more`: what else stands in it. */
export function makeStrip(side, { title, onLeave, more = [] }) {
  const state = h('span', { class: 'line-state' })
  const plug = h(
    'button',
    { class: 'plug', type: 'button', role: 'switch', 'aria-checked': 'true', title: 'Cut this side off, and write on: nothing is lost' },
    icon(ICONS.plug),
    h('span', {}, 'Network'),
    h('i', { class: 'knob' }),
  )
  plug.onclick = () => {
    const isOn = plug.getAttribute('aria-checked') === 'true'
    plug.setAttribute('aria-checked', String(!isOn))
    side.line.cut(isOn)
  }
  const leave = h('button', { class: 'quiet leave', type: 'button', title: 'Sign out', onclick: onLeave }, icon(ICONS.leave), h('span', {}, 'Sign out'))
  const name = side.session.isGuest ? 'Guest' : (side.me.name ?? side.me.displayName)
  const element = h(
    'header',
    { class: 'strip' },
    h('div', { class: 'who' }, h('h2', {}, title), h('p', { class: 'who-am-i' }, name)),
    state,
    more,
    plug,
    leave,
  )
  const banner = makeBanner(side)
  const draw = soon(() => {
    element.dataset.line = side.line.state
    say(state, { connecting: 'Connecting', live: 'Live', lost: 'Offline' }[side.line.state])
    banner.draw()
  })
  side.addEventListener('change', draw)
  draw()
  return { element, banner: banner.element }
}

/** What is said while the line is lost, and for a moment when it is back. */
function makeBanner(side) {
  const words = h('span')
  const again = h('button', { type: 'button', class: 'quiet', onclick: () => side.line.wake() }, 'Try now')
  const element = h('div', { class: 'banner', role: 'status' })
  let wasLost = false
  let timer
  const draw = () => {
    const { state } = side.line
    const waiting = side.outbox.entries().filter(entry => !entry.problem).length
    const isRestored = state === 'live' && wasLost
    if (state === 'lost') {
      wasLost = true
      clearTimeout(timer)
      const what = waiting ? `${counted(waiting, 'message')} will be sent when it is back.` : 'What you write waits here.'
      say(words, `No connection. ${what}`)
      if (element.dataset.state !== 'lost') show(element, words, side.session.isCut ? null : again)
      element.dataset.state = 'lost'
    } else if (isRestored) {
      wasLost = false
      say(words, 'Connected again: nothing was lost.')
      show(element, words)
      element.dataset.state = 'back'
      timer = setTimeout(() => {
        element.dataset.state = ''
        show(element)
      }, REJOICE_MS)
    }
  }
  return { element, draw }
}
