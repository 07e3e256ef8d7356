// A list that goes on and is loaded again, as Relay's frontends read one.
import { graphql } from 'relay-runtime';

export const query = graphql`
  query CustomerListQuery($count: Int!, $cursor: String) {
    ...CustomerList_customers @arguments(count: $count, cursor: $cursor)
  }
`;

export const list = graphql`
  fragment CustomerList_customers on Query
  @argumentDefinitions(count: { type: "Int!" }, cursor: { type: "String" })
  @refetchable(queryName: "CustomerListPaginationQuery") {
    customers(first: $count, after: $cursor, orderBy: { field: LIFETIME_VALUE, direction: DESC })
      @connection(key: "CustomerList_customers") {
      edges {
        node {
          id
          ...CustomerCard_customer
        }
      }
    }
  }
`;
