/**
 * Switch Transformers beside transformers (make_switch.py): dense and sparse layers, experts without tokens and with
 * too many, padding.
 */
import { testAnswers } from "../support/models/family-tests.ts";

testAnswers("switch");
