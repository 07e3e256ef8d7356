// What both sides ask. Each is a document of its own, so that it can be tried in the explorer as it stands.

const AUTHOR = 'author { __typename id displayName }'
const OWN = `__typename id seq occurredAt ${AUTHOR} ... on Message { text delivery clientMessageId }`
const THING = `${OWN} ... on Note { text } ... on StatusChange { previousStatus status }`
const OWN_THING = `${OWN} ... on StatusChange { previousStatus status }`

const WINDOW = 'id number status subject lastSeq unreadCount createdAt assignee { displayName }'
const ROW = `id number status subject waitingOn priority lastSeq unreadCount updatedAt version tags snoozedUntil
  customer { id displayName } assignee { id displayName } channel { id name } lastMessage { text ${AUTHOR} }`

const SESSION = 'session { accessToken accessTokenExpiresAt refreshToken }'

export const SIGN_IN = `mutation ChatSignIn($input: SessionCreateInput!) {
  sessionCreate(input: $input) { ${SESSION} userErrors { code message } } }`
export const RENEW = `mutation ChatRenew($input: SessionRefreshInput!) {
  sessionRefresh(input: $input) { ${SESSION} userErrors { code message } } }`

// ---- the shopper

export const SHOP = `query ChatShop {
  eventCursor
  me { id displayName givenName
    orders(first: 3) { nodes { id number placedAt state total { amount currencyCode } lines { title quantity } } }
    conversations(first: 1) { nodes { ${WINDOW} interactions(last: 60) { nodes { ${OWN_THING} } } } } }
  channels { id kind isActive } }`

export const OWN_EVENTS = `subscription ChatOwnEvents($after: Cursor) { customerEvents(after: $after) { __typename
  ... on Event { cursor }
  ... on ConversationStarted { conversation { ${WINDOW} } }
  ... on ConversationChanged { conversation { ${WINDOW} } }
  ... on InteractionAdded { conversation { ${WINDOW} } interaction { ${OWN_THING} } }
  ... on InteractionChanged { conversation { ${WINDOW} } interaction { ${OWN_THING} } }
  ... on ResyncRequired { reason } } }`

export const START = `mutation ChatStart($input: ConversationStartInput!) { conversationStart(input: $input) {
  conversation { ${WINDOW} interactions(first: 5) { nodes { ${OWN_THING} } } } userErrors { code message } } }`

// ---- the agent

export const DESK = `query ChatDesk($filter: ConversationFilter!, $counts: [ConversationFilter!]!) {
  eventCursor
  viewer { staffMember { id displayName name presence } }
  conversations(filter: $filter, first: 50) { nodes { ${ROW} } }
  conversationCounts(filters: $counts) }`

export const COUNTS = `query ChatCounts($counts: [ConversationFilter!]!) { conversationCounts(filters: $counts) }`

export const OPEN = `query ChatOpen($id: ID!) {
  eventCursor
  conversation(id: $id) { ${ROW} interactions(last: 80) { nodes { ${THING} } }
    order { id number }
    customer { id displayName email phone country lifecycleStage tags createdAt
      value { orderCount netSpent { amount currencyCode } decile lastOrderAt }
      orders(first: 4) { totalCount nodes { id number placedAt state total { amount currencyCode }
        lines { title quantity } } }
      timeline(first: 8) { nodes { __typename id occurredAt summary } } } } }`

const ITEMS = `__typename
  ... on Event { cursor }
  ... on ConversationStarted { conversation { ${ROW} } }
  ... on ConversationChanged { conversation { ${ROW} } }
  ... on InteractionAdded { conversation { ${ROW} } interaction { ${THING} } }
  ... on InteractionChanged { conversation { ${ROW} } interaction { ${THING} } }
  ... on ConversationRead { conversation { ${ROW} } }
  ... on ResyncRequired { reason }`
export const INBOX_EVENTS = `subscription ChatInbox($after: Cursor) { inboxEvents(after: $after) { ${ITEMS} } }`
export const EVENTS = `subscription ChatEvents($id: ID!, $after: Cursor) {
  conversationEvents(conversationId: $id, after: $after) { ${ITEMS} } }`

export const VIEWERS = `subscription ChatViewers($id: ID!) {
  viewersChanged(conversationId: $id) { viewers { id displayName } } }`
export const NOTE = `mutation ChatNote($input: NoteAddInput!) {
  noteAdd(input: $input) { note { ${THING} } userErrors { code message } } }`
export const ASSIGN = `mutation ChatAssign($input: ConversationAssignInput!) {
  conversationAssign(input: $input) { conversation { ${ROW} } userErrors { code message } } }`
export const STATUS = `mutation ChatStatus($input: ConversationStatusSetInput!) {
  conversationStatusSet(input: $input) { conversation { ${ROW} } userErrors { code message } } }`
export const PRESENCE = `mutation ChatPresence($input: PresenceSetInput!) {
  presenceSet(input: $input) { staffMember { presence } userErrors { code message } } }`

// ---- both

export const SEND = `mutation ChatSend($input: MessageSendInput!) { messageSend(input: $input) {
  message { ${OWN} conversation { id } }
  userErrors { code message ... on StaleConversation { missed { __typename seq ${AUTHOR} } } } } }`
export const READ = `mutation ChatRead($input: ConversationReadInput!) {
  conversationRead(input: $input) { conversation { id unreadCount } userErrors { code } } }`
export const TYPING = `mutation ChatTyping($input: TypingSetInput!) { typingSet(input: $input) { userErrors { code } } }`
export const TYPING_CHANGED = `subscription ChatTypingChanged($id: ID!) {
  typingChanged(conversationId: $id) { author { __typename id displayName } isTyping } }`
