/**
 * Switch Transformers beside transformers (make_switch.py): dense and sparse layers, experts without tokens and with
 * too many, padding.
 */
import { testAnswers } from "../support/family-tests.ts";

testAnswers("switch");
