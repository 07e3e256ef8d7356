// How GraphiQL talks to the API: one POST for each operation.
import { Kind, parse } from 'graphql'

/** The name under which to run an operation of `query`. */
function runnableName(query, operationName) {
  let names
  try {
    names = parse(query)
      .definitions.filter(node => node.kind === Kind.OPERATION_DEFINITION)
      .map(node => node.name?.value)
  } catch {
    return operationName // the server explains the mistake better
  }
  // GraphiQL looks at a new text only after a pause. Someone who changes the tab
  // and presses the run button at once would send the name from the tab before.
  return names.includes(operationName) ? operationName : names[0]
}

/**
 * Make the function that sends operations to `endpoint`.
 *
 * GraphiQL asks for the schema before its Headers editor is there; that one
 * request gets `startHeaders`, which the editor is about to show.
 */
export function createFetcher(endpoint, startHeaders) {
  return async ({ query, variables, operationName }, options) => {
    const isForSchema = operationName === 'IntrospectionQuery'
    const headers = options?.headers ?? (isForSchema ? startHeaders : undefined)
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: { Accept: 'application/json', 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify({ query, variables, operationName: runnableName(query, operationName) }),
    })
    const body = await response.text()
    try {
      return JSON.parse(body)
    } catch {
      throw new Error(`The server answered ${response.status} without JSON: ${body.slice(0, 500)}`)
    }
  }
}
