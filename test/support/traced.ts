/** Variables under which ONNX Runtime is silent by itself. @see telemetry_environment.h of ONNX Runtime */
const SILENT =
  /^(CI|TF_BUILD|GITHUB_ACTIONS|GITLAB_CI|CIRCLECI|TRAVIS|JENKINS_URL|CODEBUILD_BUILD_ID|BUILDKITE|TEAMCITY_VERSION|APPVEYOR|BITBUCKET_BUILD_NUMBER|SYSTEM_TEAMFOUNDATIONCOLLECTIONURI|ORT_\w+)$/i;

/** An environment in which ONNX Runtime would report, did the product not switch that off. */
export function withTelemetryAllowed(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { XDG_CACHE_HOME: _, ...others } = environment;
  return Object.fromEntries(Object.entries(others).filter(([name]) => !SILENT.test(name)));
}
