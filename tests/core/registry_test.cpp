#include "harness/core/registry.h"

#include "tests/support/testing.h"

namespace crudbench {
namespace {

struct Shape {
  std::int64_t size = 0;
};

Registry<Shape> shapes() {
  Registry<Shape> registry("shape");
  registry.add("circle",
               {.summary = "round",
                .example = {{"type", "circle"}},
                .check = [](Options& options) { options.integer("size", 3, 1); },
                .make =
                    [](Options& options) {
                      return std::make_unique<Shape>(Shape{options.integer("size", 3, 1)});
                    }});
  return registry;
}

TEST(Registry, ResolvesDefaultsAndBuilds) {
  const auto registry = shapes();
  const Json resolved = registry.resolve({{"type", "circle"}}, "f.json", "/shape");
  EXPECT_EQ(resolved, Json({{"type", "circle"}, {"size", 3}}));
  EXPECT_EQ(registry.build(resolved)->size, 3);
}

TEST(Registry, NamesTheNearestMemberOfAnUnknownOne) {
  EXPECT_ERROR(shapes().resolve({{"type", "cirlce"}}, "f.json", "/shape"),
               ErrorCode::kInvalidConfig,
               "f.json: /shape/type: unknown shape 'cirlce'; did you mean 'circle'?");
}

TEST(Registry, RefusesUnknownOptions) {
  EXPECT_ERROR(shapes().resolve({{"type", "circle"}, {"color", 1}}, "f.json", "/shape"),
               ErrorCode::kInvalidConfig, "/shape/color: unknown key");
}

TEST(Registry, RefusesTheSameNameTwice) {
  auto registry = shapes();
  EXPECT_THROW(registry.add("circle", {}), std::logic_error);
}

}  // namespace
}  // namespace crudbench
