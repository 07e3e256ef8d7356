// What the server tells the page about itself.

const DEFAULTS = { endpoint: '/graphql', demo: null, title: 'Sportello', examples: [] }

/** Read config.json beside the page; without it the page still works, only barer. */
export async function loadConfig() {
  try {
    // Never from the cache: a restarted demo may have a new key.
    const response = await fetch('config.json', { cache: 'no-store' })
    return response.ok ? { ...DEFAULTS, ...(await response.json()) } : DEFAULTS
  } catch {
    return DEFAULTS
  }
}
