// As much of a framework as this page needs: making elements, and keeping a list of them in step with a list of things.

/** Make an element. `on…` are listeners, names with a dash attributes, the rest properties. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(properties)) {
    if (name === 'class') element.className = value
    else if (name === 'role' || name === 'for' || name.includes('-')) element.setAttribute(name, value)
    else element[name] = value
  }
  element.append(...children.flat(Infinity).filter(child => child !== null && child !== undefined && child !== false))
  return element
}

const SVG = 'http://www.w3.org/2000/svg'

/** Make an icon of strokes, 20 wide and high; it is beside words that say the same. */
export function icon(path) {
  const drawing = document.createElementNS(SVG, 'svg')
  for (const [name, value] of Object.entries({ viewBox: '0 0 20 20', class: 'icon', 'aria-hidden': 'true' })) {
    drawing.setAttribute(name, value)
  }
  const stroke = document.createElementNS(SVG, 'path')
  stroke.setAttribute('d', path)
  drawing.append(stroke)
  return drawing
}

export const ICONS = {
  back: 'M12 4 6 10l6 6',
  chat: 'M4 4.5h12v8.5H9.5L6 16v-3H4z',
  close: 'M5 5l10 10M15 5 5 15',
  clock: 'M10 3.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13M10 6.5V10l2.4 1.6',
  sent: 'M4.5 10.5 8.5 14.5 15.5 6',
  twice: 'M2 10.5 6 14.5 12 6.5M9.5 13.2l1.4 1.3L18 6.5',
  alert: 'M10 3 18 16.5H2zM10 8v4M10 14.2v.2',
  leave: 'M8 3.5H4v13h4M8.5 10H17M13.5 6.5 17 10l-3.5 3.5',
  plug: 'M7 3v4M13 3v4M5 7h10v2.5a5 5 0 0 1-10 0zM10 14.5V18',
  send: 'M3.5 10 17 3.8 12.6 17l-2.6-5.6z',
  note: 'M5 3.5h10v9L11.5 16.5H5zM15 12.5h-3.5v4',
  person: 'M10 10a3.2 3.2 0 1 0 0-6.4A3.2 3.2 0 0 0 10 10M3.8 16.8c.7-3 3-4.6 6.2-4.6s5.5 1.6 6.2 4.6',
}

const kept = new WeakMap()

/** Let the children of an element be these things, in this order. One whose key stays keeps its element. */
export function fill(parent, things, { key, make, update = () => {} }) {
  const before = kept.get(parent) ?? new Map()
  const after = new Map()
  let place = parent.firstChild
  for (const thing of things) {
    const name = key(thing)
    const element = before.get(name) ?? make(thing)
    update(element, thing)
    after.set(name, element)
    if (element === place) place = place.nextSibling
    else parent.insertBefore(element, place)
  }
  for (const [name, element] of before) if (after.get(name) !== element) element.remove()
  kept.set(parent, after)
}

/** Let an element show something else, where it is something else. */
export function show(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter(child => child !== null && child !== undefined && child !== false))
}

/** Set a text, unless it is there already: what listens to changes is told of real ones only. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text
}

/** Return what runs something soon and once, however often it is asked to. */
export function soon(work) {
  let isAsked = false
  return () => {
    if (isAsked) return
    isAsked = true
    queueMicrotask(() => {
      isAsked = false
      work()
    })
  }
}

/** Return what runs something when it was not asked to for a while. */
export function later(work, wait_ms) {
  let timer
  return () => {
    clearTimeout(timer)
    timer = setTimeout(work, wait_ms)
  }
}
