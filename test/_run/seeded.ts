// Loaded before every test file: properties draw their cases from a fixed seed, so that the suite gives the
// same answer every time. Others: `DRYSTONE_TEST_SEED=7 npm test`.

import fc from 'fast-check'

fc.configureGlobal({ seed: Number(process.env.DRYSTONE_TEST_SEED ?? 1) })
