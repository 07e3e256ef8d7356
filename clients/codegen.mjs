// Types for every document in contract/operations, as a frontend generates them: the client preset, one folder for each
// file, because a fragment's name counts within its own file.
const NAMES = ['agent', 'integrator', 'shopper'];

export default {
  schema: '../schema/schema.graphql',
  generates: Object.fromEntries(
    NAMES.map((name) => [
      `generated/${name}/`,
      {
        preset: 'client',
        documents: `../contract/operations/${name}.graphql`,
        presetConfig: { fragmentMasking: false },
        // Every scalar of this API travels as a string; Int, Float and Boolean as what they are.
        config: { useTypeImports: true, defaultScalarType: 'string' },
      },
    ]),
  ),
};
