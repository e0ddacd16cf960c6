#include "harness/net/endpoint.h"

#include <cstdlib>
#include <gtest/gtest.h>

#include "tests/support/testing.h"

namespace crudbench {
namespace {

EndpointOptions read(const Json& value) {
  Options options(value, "c.json", "/generator");
  EndpointOptions endpoint = read_endpoint_options(options, 30.0);
  options.finish();
  return endpoint;
}

TEST(ReadEndpointOptions, FillsInTheDefaults) {
  const EndpointOptions endpoint = read({{"base_url", "http://127.0.0.1:8080/v1/"}});
  EXPECT_EQ(endpoint.base_url, "http://127.0.0.1:8080/v1");
  EXPECT_EQ(endpoint.api_key_env, "");
  EXPECT_EQ(endpoint.max_concurrency, 8U);
  EXPECT_EQ(endpoint.timeout, std::chrono::seconds(30));
  EXPECT_EQ(endpoint.retry.max_attempts, 4);
}

TEST(ReadEndpointOptions, RefusesKeysAndQuotesNone) {
  for (const char* key : {"api_key", "apikey", "key"}) {
    EXPECT_ERROR(read({{"base_url", "http://h/v1"}, {key, "sk-secret"}}), ErrorCode::kInvalidConfig,
                 "a key must not stand in a configuration");
  }
  try {
    read({{"base_url", "http://h/v1"}, {"api_key_env", "sk-secret!"}});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).find("sk-secret"), std::string::npos);
  }
}

TEST(ReadEndpointOptions, RefusesAUrlWithAQuery) {
  EXPECT_ERROR(read({{"base_url", "http://h/v1?key=1"}}), ErrorCode::kInvalidConfig,
               "without '?' and '#'");
}

TEST(ReadApiKey, TakesOneLineFromTheEnvironment) {
  EXPECT_EQ(read_api_key(""), "");
  ::setenv("CRUDBENCH_TEST_KEY_OF_ENDPOINT", "sk-1", 1);
  EXPECT_EQ(read_api_key("CRUDBENCH_TEST_KEY_OF_ENDPOINT"), "sk-1");
  ::setenv("CRUDBENCH_TEST_KEY_OF_ENDPOINT", "sk-1\nsk-2", 1);
  EXPECT_ERROR(read_api_key("CRUDBENCH_TEST_KEY_OF_ENDPOINT"), ErrorCode::kInvalidConfig,
               "a key is one line");
  ::unsetenv("CRUDBENCH_TEST_KEY_OF_ENDPOINT");
  EXPECT_ERROR(read_api_key("CRUDBENCH_TEST_KEY_OF_ENDPOINT"), ErrorCode::kInvalidConfig,
               "is not set");
}

}  // namespace
}  // namespace crudbench
