// One operation, one POST, one JSON answer.

/** Send an operation; return the status, the answer and the server's own time. */
export async function post(endpoint, operation, headers) {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { Accept: 'application/json', 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(operation),
  })
  const text = await response.text()
  try {
    const now = Date.parse(response.headers.get('Date')) || Date.now()
    return { status: response.status, now, body: JSON.parse(text) }
  } catch {
    throw new Error(`The server answered ${response.status} without JSON: ${text.slice(0, 500)}`)
  }
}

/** The header that carries a token; none for nobody. */
export const bearer = token => (token ? { Authorization: `Bearer ${token}` } : {})
