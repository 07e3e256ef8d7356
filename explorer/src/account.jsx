// Who the page asks as: a button in the header that says it, and a panel below it to change it.
import { useEffect, useRef, useState, useSyncExternalStore } from 'react'

const PANEL = 'account-panel'

const inWords = role => role.toLowerCase().replaceAll('_', ' ')
const asTitle = words => words.charAt(0).toUpperCase() + words.slice(1)

/** Name and part of whoever the page asks as. */
function describe({ way, viewer }) {
  const staff = viewer?.staffMember
  if (staff) return { name: staff.name ?? staff.email, part: inWords(staff.role ?? 'staff'), detail: staff.email }
  if (viewer?.customer) return { name: viewer.customer.displayName, part: 'shopper' }
  if (way === 'demo') return { name: 'Demo', part: 'app', detail: 'with an API key that opens every door' }
  if (way === 'key') return { name: 'An app', part: 'app', detail: 'with the API key that you typed' }
  return { name: 'Signed in' }
}

/** The state of the account, drawn anew with every change. */
export const useAccount = account => useSyncExternalStore(account.subscribe, account.snapshot)

/** Open the panel from somewhere else on the page. */
export const openAccount = () => document.getElementById(PANEL)?.showPopover()

/** A form that waits for its answer: no second click meanwhile, and a refusal in words. */
function useAttempt() {
  const [isBusy, setIsBusy] = useState(false)
  const [refusal, setRefusal] = useState(null)
  const attempt = async act => {
    if (isBusy) return
    setIsBusy(true)
    setRefusal(null)
    try {
      const found = (await act()) ?? null
      setRefusal(found)
      if (!found) document.getElementById(PANEL)?.hidePopover()
    } catch (error) {
      setRefusal({ code: '', message: error.message })
    } finally {
      setIsBusy(false)
    }
  }
  return { isBusy, refusal, attempt }
}

const Refusal = ({ refusal }) => (
  <p role="alert" className="account-refusal" hidden={!refusal}>
    {refusal?.message}
  </p>
)

function SignInForm({ account }) {
  const { isBusy, refusal, attempt } = useAttempt()
  const [needsOtp, setNeedsOtp] = useState(false)
  const otp = useRef(null)
  const isAsked = refusal?.code === 'OTP_REQUIRED'
  useEffect(() => {
    if (isAsked) setNeedsOtp(true)
  }, [isAsked])
  useEffect(() => otp.current?.focus(), [needsOtp])

  const submit = event => {
    event.preventDefault()
    const { email, password, otp: code } = Object.fromEntries(new FormData(event.target))
    attempt(() => account.signIn({ email, password, otp: code || undefined }))
  }
  return (
    <form onSubmit={submit} aria-label="Sign in">
      <label>
        E-mail
        <input name="email" type="email" autoComplete="username" required />
      </label>
      <label>
        Password
        <input name="password" type="password" autoComplete="current-password" required />
      </label>
      {needsOtp && (
        <label>
          One-time code
          <input ref={otp} name="otp" inputMode="numeric" autoComplete="one-time-code" required />
        </label>
      )}
      <Refusal refusal={refusal} />
      <button type="submit" className="account-main" disabled={isBusy}>
        {isBusy ? 'Signing in …' : 'Sign in'}
      </button>
    </form>
  )
}

function KeyForm({ account }) {
  const { isBusy, refusal, attempt } = useAttempt()
  const submit = event => {
    event.preventDefault()
    const { key } = Object.fromEntries(new FormData(event.target))
    attempt(() => account.useKey(key.trim()))
  }
  return (
    <details className="account-more">
      <summary>As an app, with an API key</summary>
      <form onSubmit={submit} aria-label="API key">
        <label>
          API key
          <input name="key" type="password" autoComplete="off" placeholder="sk_…" required />
        </label>
        <Refusal refusal={refusal} />
        <button type="submit" disabled={isBusy}>
          Use the key
        </button>
      </form>
    </details>
  )
}

function DemoPeople({ account, demo }) {
  const { isBusy, refusal, attempt } = useAttempt()
  const { way, viewer } = useAccount(account)
  const current = way === 'demo' ? 'APP' : (viewer?.staffMember?.role ?? (viewer?.customer ? 'SHOPPER' : null))
  const people = [...demo.logins, { who: 'APP' }]
  const become = ({ who, email }) =>
    attempt(() => (who === 'APP' ? account.becomeDemo() : account.signIn({ email, password: demo.password })))
  return (
    <section aria-label="Somebody of the demo">
      <h3>Somebody of the demo, by one click</h3>
      <div className="account-people">
        {people.map(person => (
          <button
            key={person.who}
            type="button"
            title={person.email ?? 'The API key that make demo printed'}
            aria-pressed={person.who === current}
            disabled={isBusy}
            onClick={() => become(person)}
          >
            {asTitle(inWords(person.who))}
          </button>
        ))}
      </div>
      <Refusal refusal={refusal} />
    </section>
  )
}

function Identity({ account, state }) {
  const { name, part, detail } = describe(state)
  const permissions = state.viewer?.permissions ?? []
  const { isBusy, attempt } = useAttempt()
  return (
    <section className="account-identity" aria-label="You">
      <p>
        <strong>{name}</strong> <span className="account-part">{part}</span>
      </p>
      {detail && <p className="account-detail">{detail}</p>}
      {permissions.length > 0 && (
        <details className="account-more">
          <summary>May do {permissions.length === 1 ? 'one thing' : `${permissions.length} things`}</summary>
          <p className="account-permissions">{permissions.join('  ')}</p>
        </details>
      )}
      <button type="button" disabled={isBusy} onClick={() => attempt(() => account.signOut())}>
        {state.way === 'session' ? 'Sign out' : 'Ask as nobody'}
      </button>
    </section>
  )
}

/** The button that says who asks, and its panel. `demo`: {password, logins}, where the server gave them away. */
export function Account({ account, demo }) {
  const state = useAccount(account)
  const isNobody = state.way === 'nobody'
  const { name, part } = describe(state)
  // A session that ended by itself is told at once, not when somebody happens to open the panel.
  useEffect(() => {
    if (state.notice) openAccount()
  }, [state.notice])

  return (
    <>
      <button type="button" className="account-button" popoverTarget={PANEL} data-nobody={isNobody || undefined}>
        {isNobody ? (
          'Sign in'
        ) : (
          <>
            {name} <span className="account-part">{part}</span>
          </>
        )}
      </button>
      <div id={PANEL} popover="auto" role="dialog" aria-label="Who asks" className="account-panel">
        <h2>{isNobody ? 'Sign in' : 'You ask as'}</h2>
        {state.notice && <p role="status">{state.notice}</p>}
        {isNobody ? <p className="account-detail">Nobody asks now: what is not public is refused.</p> : null}
        {!isNobody && <Identity key={state.seat} account={account} state={state} />}
        {demo && <DemoPeople account={account} demo={demo} />}
        <section aria-label="By password">
          <h3>Staff or shopper, by password</h3>
          <SignInForm key={state.seat} account={account} />
        </section>
        <KeyForm key={`key ${state.seat}`} account={account} />
      </div>
    </>
  )
}
