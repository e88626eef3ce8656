-- Drives Spanfill's language server from a real Neovim (0.7 or later), through its own LSP client: hover, code actions, commands.
-- Started by scripts/editor/ways/in-neovim.mjs, which says in the environment what to start and where to write what was seen.
local command = vim.fn.json_decode(vim.env.SPANFILL_SERVER)
local settings = vim.fn.json_decode(vim.env.SPANFILL_SETTINGS)
local checks = {}

local function check(name, passed, seen)
  table.insert(checks, { name = name, passed = passed and true or false, seen = vim.inspect(seen) })
end

local function wait(condition)
  return vim.wait(60000, condition, 10)
end

local function lines()
  return vim.api.nvim_buf_get_lines(0, 0, -1, false)
end

local function finish(failure)
  if failure then
    check("the script ran to its end", false, failure)
  end
  vim.fn.writefile({ vim.fn.json_encode(checks) }, vim.env.SPANFILL_RESULT)
  vim.cmd("qall!")
end

local function run()
  local file = vim.env.SPANFILL_FILE
  vim.cmd("edit " .. vim.fn.fnameescape(file))
  vim.bo.filetype = "markdown"
  local exit
  local messages = {}
  local told
  vim.notify = function(message)
    told = message
  end
  local show = vim.lsp.handlers["window/showMessage"]
  vim.lsp.handlers["window/showMessage"] = function(err, params, ...)
    table.insert(messages, params.message)
    return show(err, params, ...)
  end
  local id = vim.lsp.start_client({
    name = "spanfill",
    cmd = command,
    settings = settings,
    on_exit = function(code)
      exit = code
    end,
  })
  vim.lsp.buf_attach_client(0, id)
  local client = vim.lsp.get_client_by_id(id)
  check("the server starts", wait(function()
    return client.initialized
  end))
  local original = lines()

  -- Hover, as K would.
  vim.api.nvim_win_set_cursor(0, { 1, 3 })
  vim.lsp.buf.hover()
  local float
  local function shown()
    for _, window in ipairs(vim.api.nvim_list_wins()) do
      if vim.api.nvim_win_get_config(window).relative ~= "" then
        float = window
      end
    end
    return float ~= nil
  end
  wait(shown)
  local text = float and table.concat(vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(float), 0, -1, false), "\n")
  check("hover on a heading shows its section's summary", text and text:find("Spanfill"), text)
  if float then
    vim.api.nvim_win_close(float, true)
  end

  -- A code action chosen from the menu; the server has Neovim apply its edit.
  local offered = {}
  vim.ui.select = function(items, options, choose)
    for _, item in ipairs(items) do
      table.insert(offered, (options.format_item(item)))
    end
    choose(items[1], 1)
  end
  vim.lsp.buf.range_code_action(nil, { 3, 0 }, { 4, #original[4] })
  local filled = wait(function()
    return not vim.deep_equal(lines(), original)
  end)
  check("the menu offers filling and summarizing", vim.deep_equal(offered, { "Fill gaps (3)", "Summarize selection" }), offered)
  local now = table.concat(lines(), "\n")
  check("the code action fills the gaps", filled and not now:find("___"), now)
  check("lines without gaps are as they were", lines()[1] == original[1] and lines()[5] == original[5], lines())
  vim.cmd("undo")
  check("one undo takes all of it back", vim.deep_equal(lines(), original), lines())

  -- Those of a short selection and of a cursor, by their titles.
  local function act(title, from, to)
    offered = {}
    local chosen
    vim.ui.select = function(items, options, choose)
      for i, item in ipairs(items) do
        table.insert(offered, (options.format_item(item)))
        chosen = chosen or (offered[i] == title and i)
      end
      choose(items[chosen or 1], chosen or 1)
    end
    vim.api.nvim_win_set_cursor(0, from)
    if to then
      vim.lsp.buf.range_code_action(nil, from, to)
    else
      vim.lsp.buf.code_action()
    end
    local changed = wait(function()
      return not vim.deep_equal(lines(), original)
    end)
    local now = lines()
    vim.cmd("silent! undo")
    return chosen and changed and now
  end
  now = act("Rephrase selection", { 6, 4 }, { 6, 6 })
  check("rephrasing changes the selected words alone", now and vim.startswith(now[6], "the ") and now[4] == original[4], now)
  now = act("Continue here", { 6, 6 })
  check("the menu offers to continue, and front matter", vim.deep_equal(offered, { "Continue here", "Write title", "Write description" }), offered)
  check("continuing writes at the cursor", now and #now[6] > #original[6] and now[4] == original[4], now)
  now = act("Write title", { 1, 0 })
  check("the title is written into the heading", now and vim.startswith(now[1], "# ") and now[3] == original[3], now)
  now = act("Write description", { 1, 0 })
  check("the description is written as front matter", now and now[1] == "---" and vim.startswith(now[2], "description: ") and now[5] == original[1], now)
  check("each is taken back by one undo", vim.deep_equal(lines(), original), lines())

  -- Commands.
  local uri = vim.uri_from_bufnr(0)
  local function execute(name, argument)
    local params = { command = name, arguments = argument and { argument } or nil }
    local answers, why = vim.lsp.buf_request_sync(0, "workspace/executeCommand", params, 60000)
    return answers and answers[id] or { err = why }
  end
  local answer = execute("spanfill.summarizeRange", { uri = uri, style = "bullets", show = true })
  check("the command summarizes", answer.result and answer.result.summary:find("^- "), answer)
  check("and shows the summary", wait(function()
    return #messages > 0
  end), messages)
  local version = vim.lsp.util.buf_versions[vim.api.nvim_get_current_buf()]
  local function ask()
    return execute("spanfill.askRange", { uri = uri, version = version, question = "When is it?", show = true })
  end
  answer = ask()
  local refused = answer.error or answer.err or {}
  check("a question without a model for it is answered with what to do", (refused.message or ""):find("spanfill.models.ask", 1, true), answer)
  local plain = client.config.settings
  client.config.settings = { spanfill = vim.tbl_extend("force", plain.spanfill, {
    ["models.ask"] = plain.spanfill.model,
    ["models.classify"] = plain.spanfill.model,
  }) }
  client.notify("workspace/didChangeConfiguration", { settings = client.config.settings })
  messages = {}
  answer = ask()
  check("a question is answered from the text", answer.result and answer.result.coverage == 1 and vim.tbl_islist(answer.result.answers), answer)
  check("and the answer is shown", wait(function()
    return #messages > 0
  end), messages)
  answer = execute("spanfill.classifyRange", { uri = uri, version = version, labels = { "weather", "food" } })
  check("a text is classified", answer.result and #answer.result.labels == 2, answer)
  client.config.settings = plain
  client.notify("workspace/didChangeConfiguration", { settings = plain })

  -- The function of docs/editors/neovim.md.
  vim.cmd("luafile " .. vim.fn.fnameescape(vim.env.SPANFILL_DOCUMENTED))
  spanfill("summarizeFolder", { uri = vim.uri_from_fname(vim.env.SPANFILL_FOLDER) })
  local function digest()
    return table.concat(lines(), "\n")
  end
  wait(function()
    return digest():find("(ferry.md)", 1, true)
  end)
  check("a folder's digest links its files", digest():find("(ferry.md)", 1, true), digest())
  vim.cmd("bwipeout!")
  spanfill("askRange", { question = "When is it?" })
  check("without a model for it, a question asked by the documented function is answered with what to do", wait(function()
    return told and told:find("spanfill.models.ask", 1, true)
  end), told)
  answer = execute("spanfill.fillGaps", { uri = uri, version = -5 })
  check("an edit for another version is refused", (answer.error or answer.err or {}).code == -32801, answer)
  answer = execute("spanfill.continueText", { uri = uri, text = "the one", offset = 7, explicit = true })
  check("text that is in no buffer is continued", answer.result and vim.tbl_islist(answer.result.items), answer)
  local ended
  local _, request = client.request("workspace/executeCommand", {
    command = "spanfill.summarizeText",
    arguments = { { text = string.rep("the one of it is here. ", 3000) } },
  }, function(err)
    ended = err or "done"
  end)
  client.cancel_request(request)
  -- Neovim keeps the answer that a request was cancelled to itself.
  local answered = wait(function()
    return client.requests[request] == nil
  end)
  check("a cancelled request ends as cancelled", answered and ended == nil, ended)
  answer = execute("spanfill.status")
  check("the status names the engine", answer.result and answer.result.state == "ready" and answer.result.pid, answer)

  vim.lsp.stop_client(id)
  check("the server ends well", wait(function()
    return exit ~= nil
  end) and exit == 0, exit)
end

local passed, failure = pcall(run)
finish(not passed and failure or nil)
