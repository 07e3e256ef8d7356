// How GraphiQL talks to the API: one POST for each operation, one socket for each subscription.
import { createClient } from 'graphql-ws'
import { Kind, OperationTypeNode, parse } from 'graphql'
import { bearer, post } from './post.js'

const UNAUTHENTICATED = 401
const FORBIDDEN = 4403
const RECONNECTIONS = 10
const SOON = 200
const SOMEBODY_ELSE = 'Stopped: the page asks as somebody else now.'

/** The operation to run, and its name. */
function findRunnable(query, operationName) {
  let operations
  try {
    operations = parse(query).definitions.filter(node => node.kind === Kind.OPERATION_DEFINITION)
  } catch {
    return { name: operationName, isStream: false } // the server explains the mistake better
  }
  // GraphiQL looks at a new text only after a pause. Someone who changes the tab
  // and presses the run button at once would send the name from the tab before.
  const operation = operations.find(node => node.name?.value === operationName) ?? operations[0]
  return { name: operation?.name?.value, isStream: operation?.operation === OperationTypeNode.SUBSCRIPTION }
}

const authorizationOf = headers =>
  Object.entries(headers).find(([name]) => name.toLowerCase() === 'authorization')?.[1]

/** An end that nobody wished for, in words: the browser's own event shows as nothing. */
function reasonOf(end) {
  if (Array.isArray(end) || end instanceof Error) return end
  return new Error(`The socket was closed with ${end?.code ?? 'no code'}${end?.reason ? `: ${end.reason}` : ''}.`)
}

/**
 * Make the function that sends operations to `endpoint` as `account`, unless the headers name somebody else.
 *
 * GraphiQL asks for the schema before its Headers editor is there; that one
 * request gets `startHeaders`, which the editor is about to show.
 */
export function createFetcher(endpoint, account, startHeaders) {
  const running = new Set()
  let { seat } = account.snapshot()

  // Whoever comes next must not go on reading what the one before listened to.
  account.subscribe(state => {
    if (state.seat === seat) return
    seat = state.seat
    for (const stop of [...running]) stop(new Error(SOMEBODY_ELSE))
  })

  async function ask(operation, headers) {
    if (authorizationOf(headers)) return (await post(endpoint, operation, headers)).body
    const token = await account.token()
    const answer = await post(endpoint, operation, { ...bearer(token), ...headers })
    if (answer.status !== UNAUTHENTICATED || !account.distrust(token)) return answer.body
    // Refused before anything was done: the same again, once.
    return (await post(endpoint, operation, { ...bearer(await account.token()), ...headers })).body
  }

  function follow(operation, headers, sink) {
    const typed = authorizationOf(headers)
    let token
    let mayRetry = true
    const client = createClient({
      url: new URL(endpoint, location.href).href.replace(/^http/, 'ws'),
      retryAttempts: RECONNECTIONS,
      retryWait: count => new Promise(resolve => setTimeout(resolve, SOON * 2 ** count)),
      shouldRetry: () => mayRetry,
      connectionParams: async () => {
        if (typed) return { Authorization: typed }
        token = await account.token()
        return bearer(token)
      },
      on: {
        closed: ({ code }) => {
          if (code === FORBIDDEN) mayRetry = !typed && account.distrust(token)
        },
      },
    })
    const stop = reason => {
      // GraphiQL must hear nothing more of what it stopped: it may listen to the next one already.
      if (!running.delete(stop)) return
      unsubscribe()
      if (reason) sink.error(reason)
    }
    running.add(stop)
    const unsubscribe = client.subscribe(operation, {
      next: answer => running.has(stop) && sink.next(answer),
      error: end => running.delete(stop) && sink.error(reasonOf(end)),
      complete: () => running.delete(stop) && sink.complete(),
    })
    return { unsubscribe: () => stop() }
  }

  return async ({ query, variables, operationName }, options) => {
    const isForSchema = operationName === 'IntrospectionQuery'
    const headers = options?.headers ?? (isForSchema ? startHeaders : undefined) ?? {}
    const { name, isStream } = findRunnable(query, operationName)
    const operation = { query, variables, operationName: name }
    return isStream ? { subscribe: sink => follow(operation, headers, sink) } : ask(operation, headers)
  }
}
