// The rules of GraphQL-ESLint for schemas, `recommended` and `relay`, as schema/schema.graphql is held to.
// Run from the root of the repository: paths are counted from there.
import graphql from '@graphql-eslint/eslint-plugin';

const SCHEMA = 'schema/schema.graphql';

// Types that are no objects of their own: they are read with the object that they say something of, or with an answer.
const WITHOUT_ID = {
  // Answers of mutations and why they were refused; what wraps a page; events, which their cursors tell apart.
  suffixes: [
    ...['Payload', 'Connection', 'Edge', 'Error'],
    ...['Created', 'Updated', 'Changed', 'Merged', 'Started', 'Added', 'Read'],
  ],
  types: [
    'ConcentrationPoint',
    'Contact',
    'CustomerAttribute',
    'CustomerMergePreview',
    'CustomerValue',
    'DeliveryLine',
    'EventPage',
    'Money',
    'PageInfo',
    'RateLimited',
    'ResyncRequired',
    'StaleConversation',
    'ThrottleStatus',
    'TypingState',
    'ValueConcentration',
    'VersionConflict',
    'Viewer',
  ],
};

// The values of EventType are the names of types, which are written as types are.
const [, { EnumValueDefinition, ...NAMES }] = graphql.configs['flat/schema-recommended'].rules[
  '@graphql-eslint/naming-convention'
];

export default [
  {
    files: [SCHEMA],
    plugins: { '@graphql-eslint': graphql },
    languageOptions: { parser: graphql.parser, parserOptions: { graphQLConfig: { schema: SCHEMA } } },
    rules: {
      ...graphql.configs['flat/schema-recommended'].rules,
      ...graphql.configs['flat/schema-relay'].rules,
      '@graphql-eslint/naming-convention': [
        'error',
        { ...NAMES, 'EnumValueDefinition[parent.name.value!=EventType]': EnumValueDefinition },
      ],
      // `recommended` asks this of types only.
      '@graphql-eslint/require-description': [
        'error',
        {
          types: true,
          rootField: true,
          DirectiveDefinition: true,
          FieldDefinition: true,
          InputValueDefinition: true,
          EnumValueDefinition: true,
        },
      ],
      // Both styles are valid GraphQL; the printer chooses by length.
      '@graphql-eslint/description-style': 'off',
      // Lists of whole objects, such as the lines of an order, are no pages.
      '@graphql-eslint/relay-edge-types': ['error', { listTypeCanWrapOnlyEdgeType: false }],
      '@graphql-eslint/strict-id-in-types': ['error', { acceptedIdNames: ['id'], exceptions: WITHOUT_ID }],
    },
  },
];
