// The page: which sides are shown, and who sits at them.
import { Agent } from './agent.js'
import { h, ICONS, show } from './dom.js'
import { makeEntrance } from './entrance.js'
import { Session } from './session.js'
import { Shopper } from './shopper.js'

const SIDES = { both: 'Both', shopper: 'Shopper', agent: 'Agent' }
const CARDS = {
  shopper: {
    title: 'The shopper',
    text: 'Writes in the shop’s chat, on a telephone that loses the network now and then.',
    icon: ICONS.chat,
  },
  agent: {
    title: 'The agent',
    text: 'Answers at the desk, and sees everything that the customer ever did.',
    icon: ICONS.person,
    hints: [
      'Sign in on both sides, and write to each other.',
      'Switch a side’s network off, and go on writing on both.',
      'Switch it on again: nothing is lost, nothing comes twice.',
    ],
  },
}

/** By one click where the demo gives its logins away: {SHOPPER: [{label, login}], AGENT: …}. */
async function readLogins() {
  const { demo } = await fetch('/explorer/config.json')
    .then(answer => answer.json())
    .catch(() => ({}))
  const of = (who, label) =>
    (demo?.logins ?? []).filter(each => each.who === who).map(({ email }) => ({ label, login: { email, password: demo.password } }))
  return { shopper: of('SHOPPER', 'Sign in as the customer'), agent: of('AGENT', 'Sign in as the agent') }
}

/** One side: the card at its door, or whoever came in. */
class Place {
  #name
  #logins
  #session
  #open = null

  constructor(name, logins) {
    this.#name = name
    this.#logins = logins
    this.element = h('section', { class: `pane pane-${name}`, 'aria-label': CARDS[name].title })
    this.#session = new Session(name)
    this.#session.addEventListener('ended', ({ detail }) => this.#shut(detail))
  }

  async begin() {
    if (await this.#session.restore()) this.#letIn()
    else this.#shut('')
  }

  #letIn() {
    this.#open?.end()
    const leave = () => this.#session.leave()
    const adopt = { logins: this.#logins, enter: login => this.#enter(login) }
    this.#open = this.#name === 'agent' ? new Agent(this.#session, { leave }) : new Shopper(this.#session, { leave, adopt })
    show(this.element, this.#open.element)
  }

  #shut(notice) {
    this.#open?.end()
    this.#open = null
    const visit = async () => {
      await this.#session.visit()
      this.#letIn()
    }
    const card = makeEntrance({
      ...CARDS[this.#name],
      notice,
      logins: this.#logins,
      enter: login => this.#enter(login),
      visit: this.#name === 'shopper' ? visit : null,
    })
    show(this.element, card)
  }

  async #enter(login) {
    await this.#session.signIn(login)
    this.#letIn()
  }
}

async function begin() {
  const wanted = new URLSearchParams(location.search).get('side')
  const side = wanted in SIDES ? wanted : 'both'
  document.documentElement.dataset.side = side
  const link = ([name, words]) => h('a', { href: name === 'both' ? './' : `?side=${name}`, ...(name === side && { ariaCurrent: 'page' }) }, words)
  show(document.querySelector('.sides'), Object.entries(SIDES).map(link))
  const logins = await readLogins()
  const places = (side === 'both' ? ['shopper', 'agent'] : [side]).map(name => new Place(name, logins[name]))
  show(document.querySelector('.stage'), places.map(place => place.element))
  await Promise.all(places.map(place => place.begin()))
}

begin()
