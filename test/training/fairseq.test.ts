/** Losses and gradients of METRO-T0 */
import { testGradients } from "../support/models/family-tests.ts";

testGradients("fairseq");
