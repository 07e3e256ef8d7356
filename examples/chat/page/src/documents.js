// What both sides ask. Each is a document of its own, so that it can be tried in the explorer as it stands.

const AUTHOR = 'author { __typename id displayName }'
const SAID = `__typename id seq occurredAt ${AUTHOR}`
const MESSAGE = `${SAID} text delivery clientMessageId`
const THING = `${SAID}
  ... on Message { text delivery clientMessageId }
  ... on StatusChange { previousStatus status }
  ... on Note { text }`

const WINDOW = `id number status subject version lastSeq unreadCount updatedAt
  assignee { id displayName } order { number } channel { kind name } lastMessage { text ${AUTHOR} }`
const ROW = `${WINDOW} waitingOn customer { id displayName externalId email } contact { value name }`

const EVENT = '__typename ... on Event { cursor } ... on ResyncRequired { reason }'

/** What happens in conversations, with as much of them as a side shows. */
const told = fields => `
  ... on ConversationStarted { conversation { ${fields} } }
  ... on ConversationChanged { conversation { ${fields} } }
  ... on InteractionAdded { conversation { ${fields} } }
  ... on InteractionChanged { conversation { ${fields} } }`

// ---- who comes in

const SESSION = `session { accessToken accessTokenExpiresAt refreshToken
  viewer { staffMember { id displayName name } customer { id displayName } } }`

export const SIGN_IN = `mutation ChatSignIn($input: SessionCreateInput!) {
  sessionCreate(input: $input) { ${SESSION} userErrors { code message } } }`
export const RENEW = `mutation ChatRenew($input: SessionRefreshInput!) {
  sessionRefresh(input: $input) { ${SESSION} userErrors { code message } } }`
export const VISIT = `mutation ChatVisit($input: VisitorSessionCreateInput!) {
  visitorSessionCreate(input: $input) { ${SESSION} userErrors { code message } } }`
export const LEAVE = 'mutation ChatLeave { sessionRevoke(input: {}) { userErrors { code } } }'

// ---- the shopper

export const SHOP = `query ChatShop {
  eventCursor
  me { id displayName givenName
    orders(first: 3) { nodes { id number placedAt state total { amount currencyCode } lines { title quantity } } }
    conversations(first: 20) { nodes { ${WINDOW} } } }
  channels { id kind } }`

export const OWN_EVENTS = `subscription ChatOwnEvents($after: Cursor) {
  customerEvents(after: $after) { ${EVENT} ${told(WINDOW)} } }`

export const START = `mutation ChatStart($input: ConversationStartInput!) {
  conversationStart(input: $input) {
  conversation { ${WINDOW} interactions(first: 1) { nodes { ${THING} } } } userErrors { code message } } }`

// ---- the desk

export const DESK = `query ChatDesk($filter: ConversationFilter!, $counts: [ConversationFilter!]!) {
  eventCursor
  conversations(filter: $filter, first: 50) { nodes { ${ROW} } }
  conversationCounts(filters: $counts) }`
export const COUNTS = `query ChatCounts($counts: [ConversationFilter!]!) { conversationCounts(filters: $counts) }`
export const INBOX_EVENTS = `subscription ChatInbox($after: Cursor) { inboxEvents(after: $after) { ${EVENT} ${told(ROW)}
  ... on ConversationRead { conversation { ${ROW} } } } }`

export const CUSTOMER = `query ChatCustomer($id: ID!) {
  eventCursor
  customer(id: $id) { id displayName externalId email phone country lifecycleStage tags createdAt
    value { orderCount netSpent { amount currencyCode } decile firstOrderAt }
    orders(first: 4) { nodes { id number placedAt state total { amount currencyCode } lines { title quantity } } }
    timeline(first: 10) { nodes { __typename id occurredAt summary } } } }`
export const CUSTOMER_EVENTS = `subscription ChatCustomerEvents($id: ID!, $after: Cursor) {
  customerEvents(customerId: $id, after: $after) { ${EVENT} } }`

export const VIEWERS = `subscription ChatViewers($id: ID!) {
  viewersChanged(conversationId: $id) { viewers { id displayName } } }`
export const TEAM = 'subscription ChatTeam { presenceChanged { id displayName presence } }'
export const PRESENCE = `mutation ChatPresence($input: PresenceSetInput!) {
  presenceSet(input: $input) { staffMember { presence } userErrors { code message } } }`

export const NOTE = `mutation ChatNote($input: NoteAddInput!) {
  noteAdd(input: $input) { note { ${SAID} text } userErrors { code message } } }`
export const ASSIGN = `mutation ChatAssign($input: ConversationAssignInput!) {
  conversationAssign(input: $input) { conversation { ${ROW} } userErrors { code message } } }`
export const STATUS = `mutation ChatStatus($input: ConversationStatusSetInput!) {
  conversationStatusSet(input: $input) { conversation { ${ROW} } userErrors { code message } } }`

// ---- one conversation, from either side

const opening = fields => `($id: ID!, $before: String) {
  eventCursor
  conversation(id: $id) { ${fields}
    interactions(last: 60, before: $before) { pageInfo { hasPreviousPage startCursor } nodes { ${THING} } } } }`
const following = fields => `($id: ID!, $after: Cursor) { conversationEvents(conversationId: $id, after: $after) { ${EVENT}
  ... on ConversationChanged { conversation { ${fields} } }
  ... on InteractionAdded { conversation { ${fields} } interaction { ${THING} } }
  ... on InteractionChanged { conversation { ${fields} } interaction { ${THING} } }
  ... on ConversationRead { conversation { ${fields} } reader { __typename id } seq } } }`

export const OPEN = { shopper: `query ChatOpen${opening(WINDOW)}`, agent: `query ChatOpen${opening(ROW)}` }
export const FOLLOW = {
  shopper: `subscription ChatFollow${following(WINDOW)}`,
  agent: `subscription ChatFollow${following(ROW)}`,
}

export const SEND = `mutation ChatSend($input: MessageSendInput!) { messageSend(input: $input) {
  message { ${MESSAGE} conversation { id } }
  userErrors { code message ... on StaleConversation { missed { ${THING} } } } } }`
export const READ = `mutation ChatRead($input: ConversationReadInput!) {
  conversationRead(input: $input) { conversation { id unreadCount } userErrors { code message } } }`
export const TYPING = `mutation ChatTyping($input: TypingSetInput!) {
  typingSet(input: $input) { userErrors { code message } } }`
export const TYPISTS = `subscription ChatTypists($id: ID!) {
  typingChanged(conversationId: $id) { author { __typename id displayName } isTyping } }`
