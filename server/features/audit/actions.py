"""What stands in the audit, in words. A key that is not here is shown as it is."""

from collections.abc import Mapping

from server.errors import Text

ACTIONS: Mapping[str, Text] = {
    # records
    "create": Text("新建", "Created"),
    "update": Text("修改", "Changed"),
    "delete": Text("删除", "Deleted"),
    "undelete": Text("恢复", "Restored"),
    "upload": Text("上传文件", "Uploaded a file"),
    "export": Text("导出", "Exported"),
    "begin_import": Text("上传导入文件", "Brought a file to import"),
    "start_import": Text("开始导入", "Started an import"),
    "comment": Text("评论", "Commented"),
    "edit_comment": Text("修改评论", "Changed a comment"),
    "delete_comment": Text("删除评论", "Deleted a comment"),
    "create_view": Text("保存视图", "Saved a view"),
    "update_view": Text("修改视图", "Changed a view"),
    "delete_view": Text("删除视图", "Deleted a view"),
    "make_link": Text("建立公开表单链接", "Made a public form link"),
    "revoke_link": Text("撤销公开表单链接", "Revoked a public form link"),
    # work
    "alert.acknowledged": Text("确认预警", "Acknowledged an alert"),
    "alert.in_work": Text("着手处理预警", "Took an alert up"),
    "alert.snoozed": Text("搁置预警", "Snoozed an alert"),
    "alert.resolved": Text("解决预警", "Resolved an alert"),
    "alert.judged": Text("评定预警", "Judged an alert"),
    "start_strategy": Text("启动策略", "Started a strategy"),
    "end_strategy": Text("结束策略", "Ended a strategy"),
    "create_task": Text("新建任务", "Created a task"),
    "task_done": Text("完成任务", "Finished a task"),
    "task_approved": Text("批准任务", "Approved a task"),
    "task_refused": Text("退回任务", "Sent a task back"),
    "task_reassigned": Text("转交任务", "Handed a task over"),
    "task_moved": Text("改任务期限", "Moved a task's day"),
    "task_cancelled": Text("取消任务", "Cancelled a task"),
    "workflow_step": Text("流程步骤", "Workflow step"),
    "open_review": Text("开始定期评估", "Opened a review"),
    "close_review": Text("结束定期评估", "Closed a review"),
    "review_comment": Text("定期评估意见", "Remarked in a review"),
    "sign_review": Text("签署定期评估", "Signed a review"),
    "take_snapshots": Text("记下指标", "Took snapshots"),
    # people
    "login": Text("登录", "Signed in"),
    "login_failed": Text("登录失败", "Failed to sign in"),
    "logout": Text("退出", "Signed out"),
    "change_password": Text("改密码", "Changed a password"),
    "end_session": Text("结束一处登录", "Ended a session"),
    "end_sessions": Text("结束其他登录", "Ended the other sessions"),
    "set_up": Text("初次设置", "Set up"),
    "create_user": Text("新建人员", "Added a person"),
    "update_user": Text("修改人员", "Changed a person"),
    "add_department": Text("新建部门", "Added a department"),
    "change_department": Text("修改部门", "Changed a department"),
    # the product
    "add_channel": Text("新建通知渠道", "Added a channel"),
    "change_channel": Text("修改通知渠道", "Changed a channel"),
    "remove_channel": Text("移除通知渠道", "Removed a channel"),
    "test_channel": Text("试发通知", "Tried a channel"),
    "redeliver": Text("重发通知", "Sent a message again"),
    "publish": Text("发布", "Published"),
    "run_job": Text("运行作业", "Ran a job"),
    "cancel_job": Text("停止作业", "Stopped a job"),
    "repeat_job": Text("再试作业", "Tried a job again"),
    "demo_step": Text("生成演示数据", "Made demo data"),
}


def action_title(action: str) -> Text:
    return ACTIONS.get(action, Text(action, action))
