#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "harness/core/catalog.h"

namespace crudbench {

/// Adds the six CRUD tasks under upstream's names.
void add_builtin_tasks(Catalog& catalog);

/// The six names in the order of reports: Delete, Create, Update, Read.
std::span<const std::string_view> task_names() noexcept;

/// Upstream's name of the class of a task, as in its output files: "QuestAnswer1Doc" for
/// "questanswer_1doc" (its src/tasks); nullopt for any other task.
std::optional<std::string_view> upstream_task_class(std::string_view task) noexcept;
/// The inverse.
std::optional<std::string_view> task_of_upstream_class(std::string_view class_name) noexcept;

/// The answer in a model's reply: what stands between the last `<response>` and the next
/// `</response>`, without white space at its ends; the whole reply where there are no tags.
/// (Upstream: `res.split('<response>')[-1].split('</response>')[0].strip()` in src/tasks.)
std::string extract_response(std::string_view reply);

}  // namespace crudbench
